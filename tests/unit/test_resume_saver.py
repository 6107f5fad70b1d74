"""Saving goes on beside the training: it neither waits for the store nor ends with it, and costs a fiftieth at most."""

import threading

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification

from potstill.data.tokens import from_rows
from potstill.errors import InputError
from potstill.training.cross_entropy import CrossEntropy
from potstill.training.loop import fit
from potstill.training.options import TrainingOptions
from potstill.training.resume import saver as module
from potstill.training.resume.checkpoints import KeptCheckpoints
from potstill.training.resume.commits import Commits
from potstill.training.resume.saver import Saver
from potstill.training.resume.snapshot import Snapshot
from tests.memory_place import Memory

NOTHING = Snapshot({}, {})
LONG = 30  # seconds after which a test that hangs is given up


class Clock:
    """Time that passes when it is told to: `now`, and for whichever thread asks, `computed`."""

    def __init__(self):
        self.now = self.computed = 0.0

    def monotonic(self):
        return self.now

    def thread_time(self):
        return self.computed


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


class Store(Memory):
    """A store that waits until it is let go on, or takes so many seconds, or so much of the processor."""

    def __init__(self, clock=None, seconds=0.0, computing=0.0):
        super().__init__()
        self.clock, self.seconds, self.computing = clock, seconds, computing
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.go_on.set()

    def write_from(self, key, stream):
        self.begun.set()
        assert self.go_on.wait(LONG)
        if self.clock:
            self.clock.now += self.seconds
            self.clock.computed += self.computing
        super().write_from(key, stream)


def saved(saver, store, name="1", take=lambda: NOTHING):
    saver.save(take, Commits(store, "folder", "work"), name)


@pytest.fixture
def saver():
    made = []

    def make(seconds):
        made.append(Saver(seconds))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_the_first_is_due_after_the_interval(clock, saver):
    one = saver(60)
    assert not one.due
    clock.now = 59.9
    assert not one.due
    clock.now = 60
    assert one.due


def test_the_interval_begins_when_the_copy_is_taken(clock, saver):
    one, store = saver(60), Store()
    clock.now = 100
    saved(one, store)
    assert one.wait()
    clock.now = 159.9
    assert not one.due
    clock.now = 160
    assert one.due


def test_a_slow_store_is_waited_for_by_the_next_save_alone(clock, saver):
    one, store = saver(60), Store()
    store.go_on.clear()
    saved(one, store)
    assert store.begun.wait(LONG)
    clock.now = 1000
    assert not one.due  # the last is not written yet, and no second one is queued
    store.go_on.set()
    assert one.wait()
    assert one.due


# Each write of the store computes so long, and it is written two files (state.json, COMMIT.json).
@pytest.mark.parametrize(
    ("copying", "waiting", "computing", "due"),
    [
        (0.0, 0.0, 0.0, 60),
        (0.5, 0.0, 0.0, 60.5),  # 25 s of training are enough for it; the interval is longer
        (3.0, 0.0, 0.0, 3 + 150),  # a fiftieth: 3 s of 150
        (0.0, 0.0, 2.0, 4 / 0.02),
        (1.0, 0.0, 2.0, 1 + 5 / 0.02),
        (0.0, 20.0, 0.0, 60),  # waiting for the network costs nothing
        (0.0, 40.0, 2.0, 80 + 4 / 0.02),
    ],
)
def test_saving_costs_a_fiftieth_of_the_time_at_most(clock, saver, copying, waiting, computing, due):
    one, store = saver(60), Store(clock, waiting, computing)

    def take():
        clock.now += copying
        return NOTHING

    saved(one, store, take=take)
    assert one.wait()
    clock.now = due - 0.01
    assert not one.due
    clock.now = due + 0.01
    assert one.due


def test_the_cost_counts_also_when_the_thread_is_quicker_than_the_loop(clock, saver):
    one, store = saver(60), Store(clock, computing=100.0)
    submit = one._thread.submit

    def quick(*work):
        future = submit(*work)
        future.result()
        return future

    one._thread.submit = quick
    saved(one, store)
    clock.now = 2 * 100 / 0.02 - 1
    assert not one.due


def test_a_store_that_refuses_is_told_in_one_line(saver, capsys):
    one, store = saver(60), Store()
    store.left = 0
    saved(one, store)
    assert not one.wait()
    store.left = None
    saved(one, store, "2")
    assert one.wait()
    told = capsys.readouterr().err
    assert told == "▸ checkpoint memory://place/folder/1 was not kept: the store is full\n"


def test_whatever_a_store_s_library_raises_is_told_in_one_line(saver, monkeypatch, capsys):
    one, store = saver(60), Store()
    monkeypatch.setattr(store, "write_from", lambda *_: 1 / 0)
    saved(one, store)
    assert not one.wait()
    told = capsys.readouterr().err
    assert told == "▸ checkpoint memory://place/folder/1 was not kept: ZeroDivisionError('division by zero')\n"


def test_closing_waits_for_what_is_being_written():
    one, store, closed = Saver(60), Store(), threading.Event()
    store.go_on.clear()
    saved(one, store, "1")
    saved(one, store, "2")

    def close():
        one.close()
        closed.set()

    thread = threading.Thread(target=close)
    thread.start()
    assert store.begun.wait(LONG)
    assert not closed.is_set()
    store.go_on.set()
    thread.join(LONG)
    assert next(Commits(store, "folder", "work").whole())[0] == "2"


# ----------------------------------------------------------------------------------------------- with the loop

OPTIONS = TrainingOptions(epochs=2, batch_size=8, threads=1, dtype="float32", patience=0)
ROWS = 48
STEPS = 12
TABLE = from_rows([np.arange(5, 8 + row % 5, dtype=np.int32) for row in range(ROWS)], np.arange(ROWS) % 2)


def trained(store=None, seconds=1e-9, before=id):
    """Train; → the weights. `before` is called with the number of each step that begins, from 0."""
    begun = []

    class Steps(CrossEntropy):
        def forward(self, model, batch):
            before(len(begun))
            begun.append(batch)
            return super().forward(model, batch)

    torch.manual_seed(0)
    shape = {"vocab_size": 40, "hidden_size": 16, "num_attention_heads": 2, "num_hidden_layers": 1}
    model = BertForSequenceClassification(BertConfig(**shape, intermediate_size=24))
    saver = Saver(seconds)
    checkpoints = KeptCheckpoints(store, "stage/digits", "work", saver) if store else None
    try:
        state = fit(model, TABLE, Steps(), OPTIONS, None, checkpoints=checkpoints)
    finally:
        saver.close()
    assert (state.step, model.training) == (STEPS, False)
    return len(begun), model.state_dict()


def equal(one, other):
    return all(torch.equal(each, other[name]) for name, each in one.items())


@pytest.fixture(scope="module")
def undisturbed():
    return trained()[1]


def test_training_goes_on_while_the_store_is_busy(undisturbed):
    """The store takes nothing in before the tenth step is done; until then one copy alone is taken."""
    store, seen = Store(), []
    store.go_on.clear()

    def before(step):
        if step == 10:
            assert store.begun.wait(LONG)
            seen.append(dict(store.objects))
            store.go_on.set()

    assert equal(trained(store, before=before)[1], undisturbed)
    assert seen == [{}]
    first, *_, last = (key for did, key in store.done if did == "write" and key.endswith("COMMIT.json"))
    assert first.startswith("stage/digits/01-training/00000001")
    assert last.startswith("stage/digits/01-training/00000012")
    assert not any(f"/{step:08d}" in key for _, key in store.done for step in range(2, 10))


def test_training_goes_on_without_a_store_that_takes_nothing(undisturbed, capsys):
    store = Store()
    store.left = 0
    assert equal(trained(store)[1], undisturbed)
    told = capsys.readouterr().err.splitlines()
    assert told
    assert all(line.endswith("was not kept: the store is full") for line in told)


def test_a_store_that_comes_back_is_used_again(undisturbed):
    store = Store()

    def before(step):
        store.left = 0 if 3 <= step <= 6 else None

    assert equal(trained(store, before=before)[1], undisturbed)
    assert next(Commits(store, "stage/digits/01-training", "work").whole())[0].endswith("-finished")


def test_what_is_never_due_is_kept_at_the_end_and_ends_the_next_run_at_once(undisturbed):
    store = Store()
    assert equal(trained(store, seconds=1e9)[1], undisturbed)
    assert {key.split("/")[3].partition("-")[0] for _, key in store.done} == {"00000012"}
    begun, weights = trained(store)
    assert begun == 0
    assert equal(weights, undisturbed)


def test_no_checkpoint_is_written_over_another(undisturbed, monkeypatch):
    """Before and after an epoch is judged the steps are the same, and a kill between must leave both or one."""
    monkeypatch.setattr(Saver, "due", True)
    store = Store()
    assert equal(trained(store)[1], undisturbed)
    written = [key for did, key in store.done if did == "write"]
    assert len(written) == len(set(written))
    commits = [key.split("/")[-2] for key in written if key.endswith("COMMIT.json")]
    assert commits == sorted(commits)
    assert len(commits) == STEPS + 2 + 1


def test_a_store_that_cannot_be_read_ends_the_training_and_keeps_what_it_holds():
    store = Store()
    trained(store)
    held, store.silent = dict(store.objects), True
    with pytest.raises(InputError, match="does not answer"):
        trained(store)
    assert store.objects == held
