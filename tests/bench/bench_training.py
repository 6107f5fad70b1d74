"""Samples a second of the training loop against the Hugging Face Trainer: python tests/bench/bench_training.py [tokens]

A random BERT of 4 layers × 512 with a vocabulary of 5,000 (weights do not change the time), batches of 32, 2 threads,
bf16 autocast where the processor multiplies it natively. The rows are the first of the `train` split of a tokens/v1
folder, when one is given; else their lengths are drawn from a normal distribution of mean 19.7 and deviation 3.4 within
[3, 32], which is that of THUCNews titles. The rivals are the Trainer with padding to 128, and with `group_by_length`
and padding to the longest of a batch; same model, rows, batch size, precision, threads, fused AdamW and clipping.

A round is one epoch of each, turn by turn, so that a slow minute slows all of them; ratios are taken within a round,
and their medians told, of wall time and of process CPU time. potstill's time is that of the whole `fit`; the Trainer's
is counted from the beginning of its first step, its set-up left out. The arithmetic limit is the time of the same
epoch's matrix products alone, with the shapes, strides and types that the loop gives them, on operands that lie in
cache. Goals: at least 3 times the Trainer padded to 128, 1.2 times the grouped one; where one is missed, the profile
of an epoch is printed.
"""

import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "components")]

from potstill.data.tokens import TRAIN, TokenTable, from_rows, read_split  # noqa: E402
from potstill.training.cross_entropy import CrossEntropy  # noqa: E402
from potstill.training.device import pick_device, reproducible, resolve_dtype  # noqa: E402
from potstill.training.loop import fit  # noqa: E402
from potstill.training.options import TrainingOptions  # noqa: E402
from tests.bench.onnx_tokenizer import VOCABULARY, make_tokenizer  # noqa: E402

ROWS, BATCH, THREADS, ROUNDS, LABELS = 256, 32, 2, 5, 10
OPTIONS = TrainingOptions(epochs=1, batch_size=BATCH, threads=THREADS, patience=0)
GOALS = {"trainer, padded to 128": 3.0, "trainer, group_by_length": 1.2}
PRODUCTS = (torch.ops.aten.mm, torch.ops.aten.addmm, torch.ops.aten.bmm, torch.ops.aten.baddbmm)
Seconds = tuple[float, float]  # of wall, of process CPU


def main() -> None:
    """Measure all in turn, print the table, and a profile where a goal is missed."""
    table = first_rows(Path(sys.argv[1])) if len(sys.argv) > 1 else drawn_rows()
    with tempfile.TemporaryDirectory() as work, reproducible(0, THREADS):
        tokenizer = make_tokenizer(Path(work) / "tokenizer")
        model = make_model()
        candidates = {
            "potstill": lambda: timed(lambda: train(model, table)),
            "trainer, padded to 128": lambda: trainer(model, table, tokenizer, Path(work), grouped=False),
            "trainer, group_by_length": lambda: trainer(model, table, tokenizer, Path(work), grouped=True),
            "matrix products alone": replay(products(model, table)),
        }
        seconds = measure(candidates)
        missed = print_table(seconds, len(table), train(model, table).padding_share)
        if missed:
            print_profile(lambda: train(model, table))


def make_model() -> torch.nn.Module:
    """Make a random classifier of 4 × 512."""
    from transformers import BertConfig, BertForSequenceClassification

    shape = {"hidden_size": 512, "num_hidden_layers": 4, "num_attention_heads": 8, "intermediate_size": 2048}
    return BertForSequenceClassification(BertConfig(vocab_size=VOCABULARY, num_labels=LABELS, **shape))


def drawn_rows() -> TokenTable:
    """Draw rows as long as headlines."""
    dice = np.random.default_rng(0)
    lengths = np.clip(np.rint(dice.normal(19.7, 3.4, ROWS)), 3, 32).astype(int)
    rows = [dice.integers(5, VOCABULARY, length).astype(np.int32) for length in lengths]
    return from_rows(rows, dice.integers(0, LABELS, ROWS))


def first_rows(tokens: Path) -> TokenTable:
    """Read the first rows of a token set; the ids of a larger vocabulary are folded into the model's."""
    table = read_split(tokens, TRAIN).take(np.arange(ROWS))
    return TokenTable(table.ids % VOCABULARY, table.offsets, table.labels % LABELS)


def train(model: torch.nn.Module, table: TokenTable):
    """Train an epoch with potstill."""
    return fit(model, table, CrossEntropy(), OPTIONS, evaluate=None)


def trainer(model: torch.nn.Module, table: TokenTable, tokenizer: Path, work: Path, *, grouped: bool) -> Seconds:
    """Train an epoch with the Hugging Face Trainer; → its seconds from the first step to the last."""
    from transformers import BertTokenizerFast, DataCollatorWithPadding, PrinterCallback, Trainer, TrainerCallback
    from transformers import TrainingArguments as Arguments

    marks: list[Seconds] = []

    class Clock(TrainerCallback):
        def on_train_begin(self, *_: object, **__: object) -> None:
            marks.append((time.perf_counter(), time.process_time()))

        on_train_end = on_train_begin

    native = resolve_dtype("auto", pick_device()) == torch.bfloat16
    settings = Arguments(
        output_dir=str(work / "trainer"),
        per_device_train_batch_size=BATCH,
        num_train_epochs=1,
        learning_rate=OPTIONS.learning_rate,
        weight_decay=OPTIONS.weight_decay,
        warmup_ratio=OPTIONS.warmup_share,
        max_grad_norm=OPTIONS.max_grad_norm,
        optim="adamw_torch_fused",
        group_by_length=grouped,
        bf16=native,
        use_cpu=not torch.cuda.is_available(),
        disable_tqdm=True,
        logging_strategy="no",
        save_strategy="no",
        report_to=[],
    )
    widths = {"padding": "longest"} if grouped else {"padding": "max_length", "max_length": 128}
    with usual_algorithms():
        rival = Trainer(
            model,
            settings,
            DataCollatorWithPadding(BertTokenizerFast.from_pretrained(tokenizer), **widths),
            [{"input_ids": table.row(i).tolist(), "label": int(table.labels[i])} for i in range(len(table))],
            callbacks=[Clock()],
        )
        rival.remove_callback(PrinterCallback)
        rival.train()
    return marks[1][0] - marks[0][0], marks[1][1] - marks[0][1]


class usual_algorithms:  # noqa: N801  # reads as the context that it is
    """The Trainer as it comes: no deterministic algorithms, which would cost it time; and none of its warnings."""

    def __enter__(self) -> None:
        torch.use_deterministic_algorithms(mode=False)
        self.quiet = warnings.catch_warnings(action="ignore")
        self.quiet.__enter__()

    def __exit__(self, *error: object) -> None:
        self.quiet.__exit__(None, None, None)
        torch.use_deterministic_algorithms(mode=True)


class Products(TorchDispatchMode):
    """Writes down every matrix product that is computed while it is entered."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Callable[..., torch.Tensor], list[tuple[object, ...]]]] = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if function.overloadpacket in PRODUCTS:
            operands = [(tuple(each.shape), each.stride(), each.dtype) for each in args]
            self.calls.append((function, operands))
        return function(*args, **kwargs or {})


def products(model: torch.nn.Module, table: TokenTable) -> list:
    """Return the matrix products of an epoch in their order: operator, and shape, strides and type of each operand."""
    with Products() as seen:
        train(model, table)
    return seen.calls


def replay(calls: list) -> Callable[[], Seconds]:
    """Return what computes the products alone, on operands of ones."""
    made = {each: torch.empty_strided(*each[:2], dtype=each[2]).fill_(1) for _, operands in calls for each in operands}

    def compute() -> None:
        with torch.no_grad():
            for function, operands in calls:
                function(*(made[each] for each in operands))

    return lambda: timed(compute)


def timed(work: Callable[[], object]) -> Seconds:
    """Return wall and CPU seconds of some work."""
    start, busy = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - start, time.process_time() - busy


def measure(candidates: dict[str, Callable[[], Seconds]]) -> dict[str, list[Seconds]]:
    """Return the seconds of each candidate in each round; the first round warms up and is left out."""
    rounds = [{name: run() for name, run in candidates.items()} for _ in range(ROUNDS + 1)]
    return {name: [each[name] for each in rounds[1:]] for name in candidates}


def print_table(seconds: dict[str, list[Seconds]], rows: int, padding: float) -> list[str]:
    """Print medians and ratios; → the goals that were missed."""
    print(f"{'':<26}{'samples/s':>10}{'CPU s':>8}   potstill is faster by (wall, CPU; lowest and highest wall)")
    ratios = {name: ratio(each, seconds["potstill"]) for name, each in seconds.items()}
    for name, each in seconds.items():
        wall, busy = (statistics.median(part) for part in zip(*each, strict=True))
        middle, cpu, low, high = ratios[name]
        print(f"{name:<26}{rows / wall:>10.1f}{busy:>8.2f}   {middle:.2f}  {cpu:.2f}  ({low:.2f} to {high:.2f})")
    print(f"padding share {padding:.3f}; share of the arithmetic limit {ratios['matrix products alone'][0]:.2f}")
    missed = [f"{name}: {ratios[name][0]:.2f}, goal {goal}" for name, goal in GOALS.items() if ratios[name][0] < goal]
    print(f"missed: {'; '.join(missed)}" if missed else "goals met")
    return missed


def ratio(theirs: list[Seconds], ours: list[Seconds]) -> tuple[float, float, float, float]:
    """Return the medians of theirs over ours, of wall and CPU, and the lowest and highest of wall."""
    wall, busy = ([a[i] / b[i] for a, b in zip(theirs, ours, strict=True)] for i in (0, 1))
    return statistics.median(wall), statistics.median(busy), min(wall), max(wall)


def print_profile(epoch: Callable[[], object]) -> None:
    """Print where an epoch's time goes."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        epoch()
    print(profile.key_averages().table(sort_by="self_cpu_time_total", row_limit=15, max_name_column_width=40))


if __name__ == "__main__":
    main()
