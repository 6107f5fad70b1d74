"""What each way to prune costs and brings: python tests/bench/bench_pruning.py [--torch-pruning FOLDER]

Teacher and student are one model: m3e-small (4 × 512; its terms allow research only), fine-tuned on 2,000 labelled
THUCNews titles. Removed are 25, 50 and 75 % of its heads and of its FFN neurons, by each measure of importance, at once
or in four rounds, with and without recovery, which has one budget everywhere: 4 passes over 4,000 titles, labelled or
not, learning the unpruned model's answers. Then hidden width and layers at equal FLOPs, and the vocabulary. Peers, on
the same model and rows and with the same recovery after them: torch-pruning, and masks on single weights.

All are judged on the whole test split, with 95 % paired bootstrap intervals of what is lost against the unpruned; MB
are those of model.safetensors; latency is that of a 32-token row in onnxruntime (fused fp32, one thread, batch 1),
measured at the end in turns (pruning_latency). Models and results are kept under --work: a stopped run goes on where it
was. torch-pruning is in no lock; where it is not found, its rows are left out, and how to bring it in is said.
"""

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "components")]

from potstill.artifacts import read_manifest  # noqa: E402
from potstill.data.tokens import TEST, VALIDATION  # noqa: E402
from potstill.encoder.checkpoint import read_config  # noqa: E402
from potstill.progress import tell  # noqa: E402
from potstill.prune.cost import flops  # noqa: E402
from potstill.prune.shape import config_of, shape_of  # noqa: E402
from tests.bench.pruning_inputs import SMALLER, TEACHER, WHOLE, Pair, made_pair, with_fewer_rows  # noqa: E402
from tests.bench.pruning_latency import Latency, latencies  # noqa: E402
from tests.bench.pruning_results import MEGA, Result, Results  # noqa: E402
from tests.bench.pruning_tables import UNPRUNED, Tables, conditions, vocabulary  # noqa: E402
from tests.bench.pruning_torch_pruning import HOW, torch_pruning_version  # noqa: E402
from tests.bench.pruning_variants import IMPORTANCE_ROWS, PEER, RECOVERED, ROWS, SHARES, Variant, all_variants  # noqa: E402

QUICK = 128  # rows for everything


def main() -> None:
    """Make what is asked for, and print the tables of it."""
    asked = arguments()
    version = torch_pruning_version(asked.torch_pruning)
    if not version:
        tell(f"torch-pruning is not found, its rows are left out; {HOW}")
    small, whole = inputs(asked)
    listed = [each for each in all_variants(half(small.pair)) if re.search(asked.only, each.name)]
    listed = [each for each in listed if version or each.way != PEER]
    for each in listed:
        (whole if each.whole else small).make(each)
    print_all(small, whole, listed, version, timed=not asked.no_latency)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--work", type=Path, default=Path("runs/bench-pruning"), help="where everything is kept")
    parser.add_argument(
        "--only", default="", help="variants whose name has this pattern, as 50-prune-taylor or ^hidden"
    )
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} rows for everything: does it run at all?")
    parser.add_argument("--test-rows", type=int, help="of the test split, to save time; all of them by default")
    parser.add_argument("--no-latency", action="store_true", help="leave latency out, which wants a quiet machine")
    parser.add_argument("--torch-pruning", type=Path, help="the folder that pip installed it into")
    for name in ("tokens", "teacher"):
        parser.add_argument(f"--{name}", type=Path, help="made from the known data set when it is not given")
        parser.add_argument(f"--{name}-full", type=Path, help="the same with the whole vocabulary")
    return parser.parse_args()


def inputs(asked: argparse.Namespace) -> tuple[Results, Results]:
    """Return the results of the teacher with the smaller vocabulary, and of that with the whole one.

    Rows that nothing here reads are left out, save where word pieces are counted.
    """
    work = asked.work / "quick" if asked.quick else asked.work
    fewer = {VALIDATION: QUICK, TEST: QUICK} if asked.quick else {VALIDATION: IMPORTANCE_ROWS}
    fewer |= {TEST: asked.test_rows} if asked.test_rows else {}
    small = with_fewer_rows(given(asked, "", work), work, fewer)
    whole = given(asked, "_full", work)
    if asked.quick:
        whole = with_fewer_rows(whole, work, fewer)
    rows = QUICK if asked.quick else ROWS
    return Results(work / "variants", small, rows), Results(work / "variants-full", whole, rows)


def given(asked: argparse.Namespace, which: str, work: Path) -> Pair:
    """Return the teacher and tokens that are given, or make them; which: "", or "_full" for the whole vocabulary."""
    teacher, tokens = (getattr(asked, f"{each}{which}") for each in ("teacher", "tokens"))
    if teacher and tokens:
        return Pair(teacher, tokens)
    config, training = WHOLE if which else SMALLER, TEACHER
    if asked.quick:
        config, training = replace(config, labelled_rows=QUICK, unlabelled_rows=QUICK), replace(training, epochs=1)
    return made_pair(work, which.replace("_", "-"), config, training)


def half(pair: Pair) -> float:
    """Return the MFLOPs of the teacher with half its heads and neurons; how they lie in the layers changes nothing."""
    config, length = read_config(pair.teacher), read_manifest(pair.tokens).meaning["max_length"]
    shape = shape_of(config)
    heads, neurons = (tuple(each // 2 for each in sizes) for sizes in (shape.heads, shape.neurons))
    return flops(config_of(config, replace(shape, heads=heads, neurons=neurons)), length) / MEGA


def print_all(small: Results, whole: Results, listed: Sequence[Variant], version: str, *, timed: bool) -> None:
    """Print the tables of the variants that are listed."""
    found = {each.name: result for each in listed if not each.whole and (result := small.of(each))}
    results = {UNPRUNED: small.unpruned(), **found}
    tables = Tables(results, timings(results) if timed else {})
    conditions(results, tables.latency, version)
    for share in sorted(SHARES):
        tables.share(share)
    tables.equal_flops()
    tables.against()
    for each in listed:
        if each.whole:
            vocabulary(whole.unpruned(), whole.of(each))


def timings(results: Mapping[str, Result]) -> dict[str, Latency]:
    """Time the recovered variants, a table's in turns with the unpruned model."""
    found: dict[str, Latency] = {}
    shown = [name for name in results if name.endswith(RECOVERED)]
    for table in {name.partition("-")[0] for name in shown}:
        names = [UNPRUNED, *(name for name in shown if name.partition("-")[0] == table)]
        found = latencies({name: results[name].folder for name in names}) | found
    return found


if __name__ == "__main__":
    main()
