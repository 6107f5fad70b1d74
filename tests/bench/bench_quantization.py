"""What each way to int8 costs and keeps: python tests/bench/bench_quantization.py [--torchao FOLDER]

Four students, each with its teacher (m3e-small, 4 × 512; its terms allow research only) and its rows: two layers of the
teacher's on THUCNews titles with few labels and with many, and on shop and book reviews; and, of few labels, a
MobileBERT, which is given outlier channels (quantization_outliers). In one run, each becomes int8 in every way that qat
has, with what trains trained for as long on as many rows; and beside them, on the same student and the same rows: the
student trained on in float, torchao's PT2E QAT, optimum-cli, and onnxruntime's own static quantisation, both with their
defaults.

Accuracy is that of the ONNX file as onnxruntime runs it, row by row, on the whole test split, with 95 % paired
bootstrap intervals of what is lost against float; beside it what PyTorch simulates. MB are those of the file, int8
linears those that onnxruntime computes so, latency is measured at the end in turns (pruning_latency). Files and results
are kept under --work: a stopped run goes on where it was. torchao is in no lock; where it is not found, its rows are
left out, and how to bring it in is said.
"""

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "components")]

from potstill.progress import tell  # noqa: E402
from tests.bench.quantization_inputs import RECIPES, made_setting, shortened  # noqa: E402
from tests.bench.quantization_latency import latencies  # noqa: E402
from tests.bench.quantization_results import Results  # noqa: E402
from tests.bench.quantization_tables import Tables  # noqa: E402
from tests.bench.quantization_torchao import HOW, torchao_version  # noqa: E402
from tests.bench.quantization_variants import TORCHAO, Variant, all_variants  # noqa: E402

QUICK = 128  # rows for everything


def main() -> None:
    """Make what is asked for, setting by setting, and print the tables of each as it is done."""
    asked = arguments()
    version = torchao_version(asked.torchao)
    tell(f"torchao {version}" if version else f"torchao is not found, its rows are left out; {HOW}")
    listed = [each for each in all_variants() if re.search(asked.only, each.name)]
    listed = [each for each in listed if version or each.way != TORCHAO]
    for name in asked.settings:
        print_all(results_of(name, asked), listed, timed=not asked.no_latency)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--work", type=Path, default=Path("runs/bench-quantization"), help="where everything is kept")
    parser.add_argument("--settings", nargs="+", choices=list(RECIPES), default=list(RECIPES), help="all by default")
    parser.add_argument("--only", default="", help="variants whose name has this pattern, as qat or ^static")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} rows for everything: does it run at all?")
    parser.add_argument("--test-rows", type=int, default=0, help="of the test split, to save time; all by default")
    parser.add_argument("--no-latency", action="store_true", help="leave latency out, which wants a quiet machine")
    parser.add_argument("--torchao", type=Path, help="the folder that pip installed it into")
    for name in RECIPES:
        parser.add_argument(f"--{name}", type=Path, help="folder with tokens, teacher and student; made when not given")
    return parser.parse_args()


def results_of(name: str, asked: argparse.Namespace) -> Results:
    """Return the results of a setting, whose inputs are made where they are not given."""
    work, most = (asked.work / "quick", QUICK) if asked.quick else (asked.work, 0)
    setting = made_setting(name, work, {each: getattr(asked, each) for each in RECIPES}, most)
    return Results(work / name / "variants", shortened(setting, work, most, asked.test_rows), most)


def print_all(results: Results, listed: Sequence[Variant], *, timed: bool) -> None:
    """Make the variants that are listed, and print their tables."""
    for each in listed:
        results.make(each)
    found = {each.name: result for each in listed if (result := results.of(each))}
    files = {name: each.file for name, each in found.items()}
    Tables(results.setting, results.budget, listed, found, latencies(files) if timed else {}).all()


if __name__ == "__main__":
    main()
