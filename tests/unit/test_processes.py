"""Several processes are one training: each row is computed once, and what they tell each other is the same for all."""

import os
import sys
import tempfile
import time
from functools import partial
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import torch

from potstill import processes
from potstill.errors import InputError, OptionError
from tests.stage_process import run_group

ALONE = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    for name in ALONE:
        monkeypatch.delenv(name, raising=False)


# ------------------------------------------------------------------------------------------------ which rows


@pytest.mark.parametrize("count", range(1, 6))
@pytest.mark.parametrize("rows", [1, 2, 3, 4, 5, 7, 8, 64])
def test_every_row_is_one_process_s_own(monkeypatch, count, rows):
    monkeypatch.setattr(processes, "count", lambda: count)
    covered, sizes = [], []
    for rank in range(count):
        monkeypatch.setattr(processes, "rank", lambda rank=rank: rank)
        own, counts = processes.own(rows)
        assert len(np.arange(rows)[own]) > 0
        if counts:
            covered += np.arange(rows)[own].tolist()
            sizes.append(own.stop - own.start)
        else:
            assert own == slice(0, 1)
    assert covered == list(range(rows))
    assert max(sizes) - min(sizes) <= 1


# --------------------------------------------------------------------------------------------- torchrun's variables


def test_one_process_tells_nobody():
    data = torch.arange(3.0)
    with processes.joined():
        assert (processes.rank(), processes.count(), processes.is_first()) == (0, 1, True)
        processes.add_up([data])
        processes.wait()
        assert processes.total(data) is data
        assert processes.highest(data) is data
        assert processes.from_first(b"x") == b"x"
        with processes.folder_of_machine() as (folder, fills):
            assert (folder.is_dir(), fills) == (True, True)
    assert data.tolist() == [0, 1, 2]
    assert not folder.exists()
    assert not torch.distributed.is_initialized()


@pytest.mark.parametrize("given", [{"WORLD_SIZE": "1"}, {"WORLD_SIZE": "1", "RANK": "0"}, {"MASTER_ADDR": "here"}])
def test_one_process_of_one_is_alone(monkeypatch, given):
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with processes.joined():
        assert processes.count() == 1


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"WORLD_SIZE": "2"}, "WORLD_SIZE set, RANK, LOCAL_RANK, MASTER_PORT, MASTER_ADDR not; start several"),
        ({"RANK": "1"}, "RANK set, LOCAL_RANK, WORLD_SIZE, MASTER_PORT, MASTER_ADDR not; start several"),
        (dict.fromkeys(ALONE[:4], "2"), "RANK, LOCAL_RANK, WORLD_SIZE, MASTER_ADDR set, MASTER_PORT not; start"),
        (dict.fromkeys(ALONE, "2") | {"WORLD_SIZE": "two"}, "WORLD_SIZE 'two': wanted are numbers; start several"),
        (dict.fromkeys(ALONE, "2") | {"RANK": "", "MASTER_PORT": "-1"}, "RANK '', MASTER_PORT '-1': wanted are"),
    ],
)
def test_half_the_variables_are_refused(monkeypatch, given, message):
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(OptionError, match=f"^{message}"), processes.joined():
        pytest.fail("it joined")


# ------------------------------------------------------------------------------------------------------ a real group


def tells(*what):
    sys.stdout.write(f"{' '.join(map(str, what))}\n")
    sys.stdout.flush()


def exchanges():
    """In each process: everything that can be exchanged; what is printed must be the same in all."""
    with processes.joined():
        rank, count = processes.rank(), processes.count()
        assert (rank, count) == (int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]))
        assert processes.is_first() == (rank == 0)

        whole, table = torch.full((3,), rank + 1.0), torch.arange(4.0).reshape(2, 2) * rank
        processes.add_up([whole, table[:, 1], torch.zeros(0)])  # one of them no contiguous one
        assert whole.tolist() == [count * (count + 1) / 2] * 3
        others = count * (count - 1) / 2
        assert table.tolist() == [[0.0, others], [2.0 * rank, 3 * others]]

        scattered = torch.randn(100_003, generator=torch.Generator().manual_seed(rank)) * 10.0**rank
        processes.add_up([scattered[:5], scattered[5:]])
        tells(sha256(scattered.numpy().tobytes()).hexdigest())

        mine = torch.tensor([float(rank), -1.0])
        assert processes.total(mine).tolist() == [others, -count]
        assert processes.highest(mine).tolist() == [count - 1, -1]
        assert mine.tolist() == [rank, -1]

        for size in (0, 1, 10_000_000):
            sent = np.random.default_rng(7).bytes(size)
            assert processes.from_first(sent if rank == 0 else b"x" * rank) == sent

        with processes.folder_of_machine() as (folder, fills):
            assert fills == (rank == 0)
            if fills:
                (folder / "filled").write_text("yes")
            processes.wait()
            assert (folder / "filled").read_text() == "yes"
            tells(folder)
        processes.wait()
        assert not folder.exists()
    assert processes.count() == 1


@pytest.mark.parametrize("count", [2, 3])
def test_all_of_a_group_have_the_same(tmp_path, count):
    told = run_group(tmp_path / "log", count, exchanges)
    assert [code for code, _ in told] == [0] * count, told
    assert len({text for _, text in told}) == 1


def one_is_gone(who, how):
    """One process ends, by an error or at once; the others say so in one line."""
    try:
        with processes.joined(), processes.folder_of_machine() as (folder, _):
            tells(folder)
            if processes.rank() == who:
                how()
            for _ in range(3):
                processes.wait()
    except InputError as told:
        tells(told)
        return 2
    except ValueError:
        return 1
    return 0


def raises():
    raise ValueError("of its own")


@pytest.mark.parametrize("who", [0, 1])
@pytest.mark.parametrize("how", [raises, partial(os._exit, 1)])
def test_where_one_is_gone_the_others_end_and_nothing_is_left(tmp_path, who, how):
    began = time.monotonic()
    told = run_group(tmp_path / "log", 3, partial(one_is_gone, who, how))
    assert time.monotonic() - began < 20
    folders = set()
    for rank, (code, text) in enumerate(told):
        folder, *lines = text.splitlines()
        folders.add(folder)
        assert code == (1 if rank == who else 2)
        if rank != who:
            (line,) = lines
            assert line.startswith("another process of the group ended or cannot be reached (")
            assert line.endswith("); start all of them again")
    (folder,) = folders
    assert Path(folder).parent == Path(tempfile.gettempdir())
    left_by_a_kill = who == 0 and how is not raises  # nobody else may empty what it was filling
    assert Path(folder).exists() == left_by_a_kill
    if left_by_a_kill:
        Path(folder).rmdir()
