"""A distillation epoch with kept teacher outputs against the teacher in the loop: bench_teacher_cache.py

Teacher: a random BERT of 12 layers × 768; student: 4 × 312; rows as long as headlines (bench_training tells how they
are drawn), batches of 32, 2 threads. Both ways run the same loop, loss and batches; in one the teacher's logits are
read from teacher outputs on disk, in the other the teacher computes them in every batch. The relations of MiniLMv2 are
measured likewise. A round is an epoch of each, turn by turn; ratios are taken within a round, and their medians told.
The arithmetic limit is what the ratio would be if time went by multiplications alone: (teacher forward + student) /
student, counted by torch's FlopCounterMode. Goals: at least 5 times, and 0.9 of the limit; where one is missed, the
profile of an epoch is printed.
"""

import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "components")]

from transformers import BertConfig, BertForSequenceClassification  # noqa: E402

from potstill.distill.kept_terms import Relations  # noqa: E402
from potstill.training.device import autocast, pick_device, reproducible, resolve_dtype  # noqa: E402
from potstill.training.distillation import Distillation, Seen, SoftLabels, Term  # noqa: E402
from potstill.training.internals import run_with_internals  # noqa: E402
from potstill.training.loop import fit  # noqa: E402
from potstill.training.losses import relation_divergence, relations, soft_labels  # noqa: E402
from potstill.training.parts import ROWS, TOKENS  # noqa: E402
from potstill.training.teacher_outputs import LOGITS, RELATIONS, kept_of, view_parts, write_outputs  # noqa: E402
from potstill.training.weights import Weight  # noqa: E402
from tests.bench.bench_training import (  # noqa: E402
    LABELS,
    OPTIONS,
    ROUNDS,
    THREADS,
    Seconds,
    drawn_rows,
    print_profile,
    ratio,
    timed,
)
from tests.bench.onnx_tokenizer import VOCABULARY  # noqa: E402

HEADS, TEMPERATURE, PART = 12, 2.0, "train"
GOAL, SHARE = 5.0, 0.9


class LiveSoftLabels(Term):
    """Soft labels of a teacher that runs in the batch."""

    unit = ROWS

    def __init__(self, teacher: torch.nn.Module) -> None:
        super().__init__()
        self.teacher = (teacher,)

    def forward(self, seen: Seen) -> Tensor:
        with torch.no_grad():
            answers = self.teacher[0](input_ids=seen.batch.input_ids, attention_mask=seen.batch.attention_mask).logits
        return soft_labels(seen.student.logits, answers, TEMPERATURE)


class LiveRelations(Term):
    """Relations of a teacher that runs in the batch."""

    reads_inside = True
    unit = TOKENS

    def __init__(self, teacher: torch.nn.Module) -> None:
        super().__init__()
        self.teacher = (teacher,)

    def forward(self, seen: Seen) -> Tensor:
        mask = seen.batch.attention_mask
        with torch.no_grad():
            told = run_with_internals(self.teacher[0], seen.batch.input_ids, mask)
        pairs = zip(*((each.queries[-1], each.keys[-1], each.values[-1]) for each in (seen.student, told)), strict=True)
        losses = [
            relation_divergence(relations(own, HEADS, mask), relations(other, HEADS, mask).exp(), mask)
            for own, other in pairs
        ]
        return torch.stack(losses).mean()


def main() -> None:
    """Measure both losses both ways, and print the table."""
    teacher, student, table = make(12, 768), make(4, 312), drawn_rows()
    with tempfile.TemporaryDirectory() as work, reproducible(0, THREADS):
        kept = kept_of(teacher.eval(), (LOGITS, RELATIONS))
        dtype = resolve_dtype("auto", pick_device())
        once = timed(lambda: write_outputs(teacher, {PART: table}, Path(work), kept, 64, dtype))
        outputs = view_parts(Path(work), [PART], kept.relation_heads)
        print(
            f"the teacher's pass, once: {once[0]:.1f} s; {sum(f.stat().st_size for f in Path(work).iterdir()):,} bytes"
        )
        print(f"{'epoch with':<14}{'kept s':>8}{'live s':>8}{'times':>7}{'CPU':>7}{'limit':>7}{'share':>7}")
        ways = {
            "soft labels": (SoftLabels(outputs.logits, TEMPERATURE), LiveSoftLabels(teacher)),
            "relations": (Relations(outputs, HEADS), LiveRelations(teacher)),
        }
        for name, terms in ways.items():
            compare(name, *(epoch(student, table, term) for term in terms))


def make(layers: int, hidden: int) -> torch.nn.Module:
    """Make a random classifier with heads of 26 or 64 and an FFN four times as wide."""
    shape = {"hidden_size": hidden, "num_hidden_layers": layers, "num_attention_heads": HEADS}
    return BertForSequenceClassification(
        BertConfig(vocab_size=VOCABULARY, num_labels=LABELS, intermediate_size=1200 if hidden == 312 else 3072, **shape)
    )


def epoch(student: torch.nn.Module, table: object, term: Term) -> Callable[[], object]:
    """Return what trains the student for one epoch on one loss."""
    return lambda: fit(student, table, Distillation({"loss": (term, Weight(1.0))}), OPTIONS, evaluate=None)


def compare(name: str, kept: Callable[[], object], live: Callable[[], object]) -> None:
    """Print one row: medians of the rounds, the first left out."""
    rounds: list[tuple[Seconds, Seconds]] = [(timed(kept), timed(live)) for _ in range(ROUNDS + 1)][1:]
    ours, theirs = ([each[i] for each in rounds] for i in (0, 1))
    wall, busy, *_ = ratio(theirs, ours)
    limit = flops(live) / flops(kept)
    middle = [statistics.median(each[0] for each in side) for side in (ours, theirs)]
    print(f"{name:<14}{middle[0]:>8.2f}{middle[1]:>8.2f}{wall:>7.2f}{busy:>7.2f}{limit:>7.2f}{wall / limit:>7.2f}")
    if name == "soft labels" and not (wall >= GOAL and wall >= SHARE * limit):
        print(f"missed: goals are {GOAL:g} times and {SHARE} of the limit; an epoch with kept answers:")
        print_profile(kept)


def flops(work: Callable[[], object]) -> int:
    """Count the floating-point operations of matrix products."""
    with FlopCounterMode(display=False) as counter, autocast(torch.float32, pick_device()):
        work()
    return counter.get_total_flops()


if __name__ == "__main__":
    main()
