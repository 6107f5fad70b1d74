"""A checkpoint is whole or it is none: whenever its writer is killed, and whatever happens to its files."""

import json
from hashlib import sha256

import pytest

from potstill.errors import InputError
from potstill.store.places import open_place
from potstill.training.resume.commits import COMMIT, Commits
from tests.memory_place import Memory

FOLDER = "stage/digits/01-student"
WORK = "0123abcd"
BLOBS = {"model.safetensors": b"weights", "optimizer.safetensors": b"moments", "state.json": b"{}"}
OTHERS = {name: data * 2 for name, data in BLOBS.items()}


@pytest.fixture
def place():
    return Memory()


@pytest.fixture
def commits(place):
    return Commits(place, FOLDER, WORK)


def names(place):
    return sorted({key.removeprefix(f"{FOLDER}/").partition("/")[0] for key in place.objects})


def names_of(done, what):
    return [key.removeprefix(f"{FOLDER}/") for did, key in done if did == what]


def test_blobs_come_first_and_the_commit_last(place, commits):
    commits.write("1", BLOBS.items())
    assert names_of(place.done, "write") == [*(f"1/{blob}" for blob in BLOBS), f"1/{COMMIT}"]
    files = {name: {"bytes": len(data), "sha256": sha256(data).hexdigest()} for name, data in BLOBS.items()}
    assert json.loads(place.objects[f"{FOLDER}/1/{COMMIT}"]) == {
        "work": WORK,
        "training": "01-student",
        "name": "1",
        "files": files,
    }
    assert next(commits.whole(), None) == ("1", BLOBS)


def test_two_are_kept_and_of_a_third_the_commit_is_deleted_first(place, commits):
    for name in ("1", "2", "3", "4"):
        commits.write(name, BLOBS.items())
    assert names(place) == ["3", "4"]
    deleted = names_of(place.done, "delete")
    assert deleted[: len(BLOBS) + 1] == [f"1/{COMMIT}", *(f"1/{blob}" for blob in BLOBS)]
    commits.write("4-finished", BLOBS.items())
    assert names(place) == ["4", "4-finished"]
    assert next(commits.whole(), None) == ("4-finished", BLOBS)


def test_there_is_none_at_the_beginning(commits, capsys):
    assert next(commits.whole(), None) is None
    assert capsys.readouterr().err == ""


def commit_with(**changed):
    def change(text):
        return json.dumps({**json.loads(text), **changed}).encode()

    return change


def without(key):
    return lambda text: json.dumps({name: each for name, each in json.loads(text).items() if name != key}).encode()


FILE = {"bytes": 7, "sha256": sha256(b"weights").hexdigest()}
HARM = {
    "a blob is missing": ("model.safetensors", None, "it lacks model.safetensors"),
    "a blob is cut short": ("model.safetensors", lambda data: data[:-1], "model.safetensors is torn or was changed"),
    "a blob is empty": ("model.safetensors", lambda _: b"", "model.safetensors is torn or was changed"),
    "a blob is longer": ("model.safetensors", lambda data: data + b"\0", "model.safetensors is torn or was changed"),
    "a bit flipped": ("state.json", lambda data: bytes([data[0] ^ 1]) + data[1:], "state.json is torn or was changed"),
    "an empty commit": (COMMIT, lambda _: b"", f"its {COMMIT} is none (JSONDecodeError"),
    "half a commit": (COMMIT, lambda text: text[: len(text) // 2], f"its {COMMIT} is none (JSONDecodeError"),
    "no text": (COMMIT, lambda _: b"\xff\xfe\x80", f"its {COMMIT} is none (UnicodeDecodeError"),
    "a list": (COMMIT, lambda _: b"[]", f"its {COMMIT} is none (TypeError"),
    "a number": (COMMIT, lambda _: b"3", f"its {COMMIT} is none (TypeError"),
    "null": (COMMIT, lambda _: b"null", f"its {COMMIT} is none (TypeError"),
    "no work": (COMMIT, without("work"), f"its {COMMIT} is none (KeyError('work'))"),
    "no name": (COMMIT, without("name"), f"its {COMMIT} is none (KeyError('name'))"),
    "no files": (COMMIT, without("files"), f"its {COMMIT} is none (KeyError('files'))"),
    "files are a list": (COMMIT, commit_with(files=["model.safetensors"]), f"its {COMMIT} is none (AttributeError"),
    "a file without digest": (COMMIT, commit_with(files={"a": {"bytes": 1}}), "is none (KeyError('sha256'))"),
    "a file is a number": (COMMIT, commit_with(files={"a": 1}), "is none (TypeError"),
    "a file elsewhere": (COMMIT, commit_with(files={f"../1/{'model.safetensors'}": FILE}), "it lacks ../1/model"),
    "other work": (COMMIT, commit_with(work="ffff"), "it is of another training"),
    "copied from another training": (COMMIT, commit_with(training="02-control"), "it is of another training"),
    "nested too deep": (COMMIT, lambda _: b"[" * 200_000, f"its {COMMIT} is none (RecursionError"),
    "copied from another step": (COMMIT, commit_with(name="1"), "it is of another training"),
}


def harm(place, name, blob, change):
    key = f"{FOLDER}/{name}/{blob}"
    if change is None:
        place.delete([key])
    else:
        place.write(key, change(place.read(key)))


@pytest.fixture(params=["memory", "disk"])
def any_place(request, tmp_path):
    return Memory() if request.param == "memory" else open_place(f"{tmp_path.as_uri()}/a%20place")


@pytest.mark.parametrize("what", HARM)
def test_what_is_torn_or_foreign_is_refused_in_one_line_and_the_previous_taken(any_place, capsys, what):
    commits, (blob, change, why) = Commits(any_place, FOLDER, WORK), HARM[what]
    commits.write("1", BLOBS.items())
    commits.write("2", OTHERS.items())
    harm(any_place, "2", blob, change)
    assert next(commits.whole(), None) == ("1", BLOBS)
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert told.startswith(f"▸ checkpoint {any_place.uri}/{FOLDER}/2 is refused: ")
    assert why in told
    # The next one stands at an earlier step, and what was refused is gone for good.
    commits.write("1a", OTHERS.items())
    assert [key for key in any_place.keys(FOLDER) if "/2/" in key] == []
    assert next(commits.whole(), None) == ("1a", OTHERS)
    harm(any_place, "1a", COMMIT, lambda _: b"")
    assert next(commits.whole(), None) == ("1", BLOBS)


@pytest.mark.parametrize("what", HARM)
def test_where_all_are_refused_training_begins_anew(place, commits, capsys, what):
    blob, change, _ = HARM[what]
    change = commit_with(name="0") if what == "copied from another step" else change
    for name in ("1", "2"):
        commits.write(name, BLOBS.items())
    for name in ("1", "2"):
        harm(place, name, blob, change)
    assert next(commits.whole(), None) is None
    assert capsys.readouterr().err.count("\n") == 2
    commits.write("0", BLOBS.items())
    assert names(place) == ["0"]


def test_a_checkpoint_of_other_work_in_this_folder_is_refused(place, commits, capsys):
    Commits(place, FOLDER, "another").write("9", BLOBS.items())
    assert next(commits.whole(), None) is None
    assert "9 is refused: it is of another training" in capsys.readouterr().err


@pytest.mark.parametrize("overwritten", [False, True])
@pytest.mark.parametrize("before", range(len(BLOBS) + 1))
def test_killed_before_any_write_the_previous_one_is_read(place, commits, before, overwritten):
    commits.write("1", BLOBS.items())
    if overwritten:
        commits.write("2", BLOBS.items())
    place.left = before
    with pytest.raises(InputError, match="full"):
        commits.write("2", OTHERS.items())
    place.left = None
    found = next(commits.whole(), None)
    assert found == (("2", BLOBS) if overwritten and before == 0 else ("1", BLOBS))
    commits.write("2", OTHERS.items())
    assert next(commits.whole(), None) == ("2", OTHERS)


@pytest.mark.parametrize("before", range(2 * (len(BLOBS) + 1)))
def test_killed_before_any_deletion_nothing_torn_is_seen(place, commits, capsys, before):
    commits.write("1", BLOBS.items())
    for name in ("5", "6"):  # refused earlier, say
        place.objects |= {f"{FOLDER}/{name}/{blob}": b"" for blob in (*BLOBS, COMMIT)}
    place.left = len(BLOBS) + 1 + before
    commits.write("2", BLOBS.items())
    place.left = None
    told = capsys.readouterr().err
    assert "could not be deleted: the store is full" in told
    assert next(commits.whole(), None) == ("2", BLOBS)
    refused = capsys.readouterr().err
    assert refused.count("\n") == max(0, 2 - before)  # the commits are deleted first
    commits.write("3", BLOBS.items())
    assert names(place) == ["2", "3"]


def test_a_store_that_allows_no_deletion_keeps_all(place, commits, capsys):
    for name in ("1", "2", "3"):
        place.left = len(BLOBS) + 1
        commits.write(name, BLOBS.items())
    assert names(place) == ["1", "2", "3"]
    assert capsys.readouterr().err == (
        "▸ checkpoints before memory://place/stage/digits/01-student/3 could not be deleted: the store is full\n"
    )
    assert next(commits.whole(), None) == ("3", BLOBS)


def test_a_store_that_does_not_answer_is_no_reason_to_begin_anew(place, commits, capsys):
    commits.write("1", BLOBS.items())
    place.silent = True
    with pytest.raises(InputError, match="the store does not answer"):
        next(commits.whole(), None)
    assert capsys.readouterr().err == ""


def test_one_that_is_deleted_while_it_is_read_is_refused(place, commits, monkeypatch):
    commits.write("1", BLOBS.items())
    commits.write("2", BLOBS.items())
    keys = place.keys(FOLDER)
    place.delete([f"{FOLDER}/2/{COMMIT}"])
    monkeypatch.setattr(place, "keys", lambda _: keys)
    assert next(commits.whole(), None) == ("1", BLOBS)


STRANGE = [
    "README",
    "COMMIT.json",
    "x/COMMIT.json",
    "0/COMMIT.json",
    "1/deeper/COMMIT.json",
    "2/extra",
    "é/COMMIT.json",
]


@pytest.mark.parametrize("strange", STRANGE)
def test_what_does_not_belong_there_disturbs_nothing(place, commits, strange):
    commits.write("1", BLOBS.items())
    place.objects[f"{FOLDER}/{strange}"] = b"{}"
    assert next(commits.whole(), None) == ("1", BLOBS)
    commits.write("2", OTHERS.items())
    commits.write("3", OTHERS.items())
    assert next(commits.whole(), None) == ("3", OTHERS)
    harm(place, "3", COMMIT, lambda _: b"")
    assert next(commits.whole(), None) == ("2", OTHERS)


def test_other_folders_are_left_alone(place, commits):
    other = Commits(place, f"{FOLDER}-2", WORK)
    other.write("1", BLOBS.items())
    for name in ("1", "2", "3"):
        commits.write(name, BLOBS.items())
    assert next(other.whole(), None) == ("1", BLOBS)
