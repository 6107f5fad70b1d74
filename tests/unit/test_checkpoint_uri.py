"""A stage with a checkpoint URI: the same output, taken up again by the same work alone, at no artifact's cost."""

import json
import shutil

import pytest
from conftest import make_checkpoint, make_tokens

from potstill import cli
from potstill.artifacts import CHECKPOINT, TOKENS, expect
from potstill.errors import InputError, OptionError
from potstill.provenance import source_digest
from potstill.store.disk import DiskPlace
from potstill.teacher_train import TeacherTrainConfig, train_teacher

FAST = {"epochs": 2, "batch_size": 16, "threads": 1, "dtype": "float32", "learning_rate": 1e-3}
NEVER = {"checkpoint_seconds": 1e9}
source_digest()  # read once, so that sources edited meanwhile make no difference


@pytest.fixture
def uri(tmp_path):
    return (tmp_path / "check points" / "学生").as_uri()


@pytest.fixture
def place(tmp_path):
    return tmp_path / "check points" / "学生"


@pytest.fixture
def train(tmp_path, tiny_tokens, tiny_checkpoint):
    def train(name, tokens=tiny_tokens, start=tiny_checkpoint, **options):
        train_teacher(tokens, start, tmp_path / name, TeacherTrainConfig(**FAST | options))
        return expect(tmp_path / name, CHECKPOINT)

    return train


def works(place):
    return sorted(place.glob("teacher-train/*/"))


def files(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_where_states_are_kept_changes_nothing(train, uri, place, tmp_path):
    digest = train("without").digest
    kept = train("with", checkpoint_uri=uri, checkpoint_seconds=1e-9, stall_seconds=0)
    assert kept.digest == digest
    manifest = (kept.path / "artifact.json").read_text(encoding="utf-8")
    unrecorded = ("checkpoint_uri", "checkpoint_seconds", "stall_seconds", "check%20points")
    assert not [each for each in unrecorded if each in manifest]
    assert len(works(place)) == 1


def test_a_second_run_takes_the_finished_state_up(train, uri, place, capsys):
    digest = train("first", checkpoint_uri=uri).digest
    before = files(place / "teacher-train")
    assert "taken up again" not in capsys.readouterr().err
    # Where and how often states are kept makes no other work.
    assert train("second", checkpoint_uri=uri, checkpoint_seconds=5, stall_seconds=7).digest == digest
    told = [line for line in capsys.readouterr().err.splitlines() if "taken up again" in line]
    assert len(told) == 1
    assert told[0].startswith(f"▸ teacher: taken up again from {uri}/teacher-train/")
    assert told[0].endswith("-finished")
    assert files(place / "teacher-train") == before


def test_the_folder_says_what_the_work_is_made_of(train, uri, place, tiny_tokens, tiny_checkpoint):
    made = train("out", checkpoint_uri=uri)
    (folder,) = works(place)
    work = json.loads((folder / "WORK.json").read_text(encoding="utf-8"))
    assert work["inputs"] == {
        "tokens": expect(tiny_tokens, TOKENS).digest,
        "start": expect(tiny_checkpoint, CHECKPOINT).digest,
    }
    assert (work["stage"], work["source"], work["processor"]["processes"]) == ("teacher-train", source_digest(), 1)
    assert work["config"] == made.made_by["config"]
    assert not {"checkpoint_uri", "checkpoint_seconds", "stall_seconds", "revision"} & {*work, *work["config"]}
    assert uri not in json.dumps(work)


OTHERS = {"seed": 1, "epochs": 3, "learning_rate": 2e-3, "ema": 0.5, "threads": 2}


@pytest.mark.parametrize("name", OTHERS)
def test_other_options_are_other_work(train, uri, place, capsys, name):
    train("first", checkpoint_uri=uri)
    before = files(works(place)[0])
    capsys.readouterr()
    other = train("second", checkpoint_uri=uri, **{name: OTHERS[name]})
    told = capsys.readouterr().err
    assert "taken up again" not in told
    assert f"{name} {OTHERS[name]}, not" in told
    assert other.digest == train("third", **{name: OTHERS[name]}).digest
    assert len(works(place)) == 2
    assert before.items() <= files(place).items()


def test_other_inputs_are_other_work(train, uri, place, capsys, tmp_path, tokenizer_folder):
    train("first", checkpoint_uri=uri)
    tokens = make_tokens(tmp_path / "tokens", tokenizer_folder, rows=40).path
    start = make_checkpoint(tmp_path / "start", tokenizer_folder, seed=3).path
    train("second", tokens=tokens, checkpoint_uri=uri)
    train("third", start=start, checkpoint_uri=uri)
    assert "taken up again" not in capsys.readouterr().err
    assert len(works(place)) == 3


def test_the_same_inputs_elsewhere_are_the_same_work(train, uri, place, capsys, tmp_path, tiny_tokens, tiny_checkpoint):
    digest = train("first", checkpoint_uri=uri).digest
    for name, source in (("tokens", tiny_tokens), ("start", tiny_checkpoint)):
        shutil.copytree(source, tmp_path / name)
    assert train("second", tokens=tmp_path / "tokens", start=tmp_path / "start", checkpoint_uri=uri).digest == digest
    assert "taken up again" in capsys.readouterr().err


def test_a_state_of_other_work_that_was_copied_here_is_refused(train, uri, place, capsys):
    digest = train("first").digest
    train("other", checkpoint_uri=uri, seed=1)
    train("again", checkpoint_uri=uri)
    one, other = sorted(
        works(place), key=lambda folder: json.loads((folder / "WORK.json").read_text())["config"]["seed"]
    )
    shutil.rmtree(one / "01-teacher")
    shutil.copytree(other / "01-teacher", one / "01-teacher")
    capsys.readouterr()
    assert train("third", checkpoint_uri=uri).digest == digest
    told = capsys.readouterr().err
    assert "taken up again" not in told
    assert told.count("is refused: it is of another training") == 1


# ------------------------------------------------------------------------------------------- what is refused


@pytest.fixture
def refuse(tmp_path, tiny_tokens, tiny_checkpoint, capsys):
    """Run the command; → the one line that it was refused with."""

    def refuse(uri, output="out"):
        folders = ["--tokens", str(tiny_tokens), "--start", str(tiny_checkpoint), "--teacher", str(tmp_path / output)]
        fast = ["--epochs", "1", "--threads", "1", "--dtype", "float32"]
        capsys.readouterr()
        assert cli.main(["teacher-train", *folders, *fast, "--checkpoint-uri", uri]) == 2
        told = capsys.readouterr()
        assert told.out == ""
        assert told.err.count("\n") == 1
        return told.err

    return refuse


URIS = [
    "/tmp/x",
    "x",
    "file:x",
    "file://relative/x",
    "file://./x",
    "http://host/x",
    "gs://bucket/x",
    "s3:bucket",
    "s3://",
    "FILE:///x",
]


@pytest.mark.parametrize("uri", URIS)
def test_another_scheme_is_refused_in_one_line(tmp_path, refuse, uri):
    assert uri in refuse(uri)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("uri", ["http://host/x", "s3://"])
def test_what_is_refused_costs_no_earlier_output(tmp_path, train, refuse, uri):
    digest = train("out").digest
    refuse(uri)
    assert expect(tmp_path / "out", CHECKPOINT).digest == digest


def test_a_file_is_no_folder(tmp_path, refuse):
    (tmp_path / "file").write_text("")
    assert str(tmp_path / "file") in refuse((tmp_path / "file" / "x").as_uri())
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif("__import__('os').geteuid() == 0", reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_refused(tmp_path, refuse):
    (tmp_path / "closed").mkdir(mode=0o500)
    assert str(tmp_path / "closed") in refuse((tmp_path / "closed").as_uri())


@pytest.mark.parametrize("below", ["", "x", "x/y"])
def test_a_place_inside_an_input_is_refused(tmp_path, refuse, tiny_tokens, tiny_checkpoint, below):
    for sealed in (tiny_tokens, tiny_checkpoint):
        assert refuse(f"{sealed.as_uri()}/{below}") == (
            f"potstill: error: {sealed.as_uri()}{'/' if below else ''}{below} lies inside {sealed}, "
            "which is an artifact; pass a folder outside it\n"
        )
    expect(tiny_tokens, TOKENS)
    expect(tiny_checkpoint, CHECKPOINT)


def test_a_place_inside_any_artifact_is_refused(tmp_path, train, refuse):
    earlier = train("earlier")
    (tmp_path / "link").symlink_to(earlier.path)
    assert f"lies inside {earlier.path}" in refuse((tmp_path / "link" / "x").as_uri())
    assert expect(earlier.path, CHECKPOINT).digest == earlier.digest


@pytest.mark.parametrize("below", ["", "/checkpoints", "/a/b"])
def test_a_place_inside_the_output_is_refused(tmp_path, refuse, below):
    assert f"lies inside {tmp_path / 'out'}, which is an artifact" in refuse(f"{(tmp_path / 'out').as_uri()}{below}")
    assert not (tmp_path / "out").exists()


def test_an_output_inside_the_place_does_no_harm(tmp_path, train, uri, place):
    digest = train("without").digest
    for name in ("one", "two"):
        out = f"check points/学生/{name}"
        assert train(out, checkpoint_uri=uri).digest == digest


def test_a_store_that_is_lost_on_the_way_costs_the_training_nothing(train, uri, place, capsys, monkeypatch):
    write = DiskPlace.write

    def refuse(self, key, data):
        if not key.endswith("WORK.json"):
            raise InputError("no space left")
        write(self, key, data)

    monkeypatch.setattr(DiskPlace, "write", refuse)
    digest = train("with", checkpoint_uri=uri).digest
    assert "was not kept: no space left" in capsys.readouterr().err
    assert digest == train("without").digest


@pytest.mark.parametrize("seconds", [0, -1])
def test_an_interval_must_be_above_0(seconds):
    with pytest.raises(OptionError, match="checkpoint_seconds should be greater than 0"):
        TeacherTrainConfig(checkpoint_seconds=seconds)
