"""tokenize as a step of KFP that streams a table, and as its card shows it."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

pytest.importorskip("kfp")
from kfp import dsl, local
from kfp.dsl import Dataset, Model

from potstill.artifacts import TOKENS, expect
from potstill.cli import main
from potstill.store.folders import publish
from potstill.tokenize import TokenizeConfig, tokenize_table
from potstill.tokenize.component import tokenize
from tests.storage.test_streamed_tables import upload, write

COMPONENTS = Path(__file__).parents[2] / "components"
CARD = COMPONENTS / "potstill" / "tokenize" / "README.md"
# KFP warns of every image whose name does not hold "python"; the library is on the path here, as it is in the image.
pytestmark = [
    pytest.mark.s3,
    pytest.mark.filterwarnings("ignore:You may be attemping to run a task:RuntimeWarning"),
]


class Artifact:
    """What KFP hands to a component."""

    def __init__(self, path):
        self.path, self.metadata = str(path), {}

    def log_metric(self, *_):
        """Keep nothing."""


def test_a_pipeline_streams_a_table(s3_bucket, tmp_path, tiny_checkpoint, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(COMPONENTS))
    local.init(local.SubprocessRunner(use_venv=False), pipeline_root=str(tmp_path / "root"))
    table = write(tmp_path / "t.csv")

    @dsl.pipeline(name="stream")
    def stream(data_uri: str) -> None:
        start = dsl.importer(artifact_uri=str(tiny_checkpoint), artifact_class=Model, reimport=True)
        tokenize(start=start.output, data_uri=data_uri, max_length=32)

    stream(data_uri=upload(table, f"{s3_bucket}/t.csv"))
    made = expect(next((tmp_path / "root").rglob("tokens")), TOKENS)
    tokenize_table(table, tiny_checkpoint, tmp_path / "here", TokenizeConfig(max_length=32))
    here = expect(tmp_path / "here", TOKENS)  # its manifest tells of torch, which other tests have imported
    assert (made.files, made.meaning) == (here.files, here.meaning)


def test_a_pipeline_that_hands_a_table_over_compiles_as_before(tmp_path):
    from kfp import compiler

    @dsl.pipeline(name="hand-over")
    def hand_over() -> None:
        data = dsl.importer(artifact_uri="s3://b/d", artifact_class=Dataset)
        start = dsl.importer(artifact_uri="s3://b/s", artifact_class=Model)
        tokenize(data=data.output, start=start.output)

    compiler.Compiler().compile(hand_over, str(tmp_path / "p.yaml"))
    assert "isOptional: true" in (tmp_path / "p.yaml").read_text()


@pytest.mark.parametrize(
    ("data", "uri", "message"),
    [
        (None, "", "neither data nor data_uri is given; pass one of them"),
        ("t.csv", "s3://bucket/t.csv", "data and data_uri s3://bucket/t.csv are both given; pass one of them"),
        (None, "/etc/passwd", "data_uri must be s3://bucket/… to be streamed, got '/etc/passwd'; pass others as data"),
        (None, "s3://key:hunter2@bucket/t.csv", "s3://***@bucket/t.csv has credentials in it"),
    ],
)
def test_one_of_the_two_is_wanted(tmp_path, tokenizer_folder, capsys, data, uri, message):
    with pytest.raises(SystemExit) as ended:
        tokenize.python_func(
            data=Artifact(write(tmp_path / data)) if data else None,
            start=Artifact(tokenizer_folder),
            tokens=Artifact(tmp_path / "tokens"),
            metrics=Artifact(tmp_path / "metrics"),
            data_uri=uri,
        )
    assert ended.value.code == 2
    [said] = capsys.readouterr().err.splitlines()
    assert said.startswith(f"potstill: error: {message}")
    assert not (tmp_path / "tokens").exists()


def test_the_command_of_the_card_runs(s3_environment, tmp_path, tokenizer_folder, monkeypatch):
    import boto3

    [command] = [line for line in CARD.read_text().splitlines() if line.startswith("potstill tokenize --data s3://")]
    place = re.search(r"s3://([\w-]+)/(\S+)", command)
    boto3.client("s3").create_bucket(Bucket=place[1])
    upload(write(tmp_path / "t.csv"), f"s3://{place[1]}/{place[2]}")
    shutil.copytree(tokenizer_folder, tmp_path / "runs" / "start")
    monkeypatch.chdir(tmp_path)
    assert main(shlex.split(command)[1:]) == 0
    expect(tmp_path / "runs" / "tokens", TOKENS)


def test_a_published_data_set_is_read_where_it_lies(s3_bucket, tmp_path, tokenizer_folder):
    from potstill.data.importing import ImportDataConfig, import_data

    import_data(str(write(tmp_path / "t.csv")), tmp_path / "dataset", ImportDataConfig())
    publish(tmp_path / "dataset", f"{s3_bucket}/dataset")
    measures = tokenize_table(f"{s3_bucket}/dataset", tokenizer_folder, tmp_path / "tokens", TokenizeConfig())
    assert measures["rows_train"] > 0
