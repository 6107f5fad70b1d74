"""The Markdown tables of bench_pruning."""

from collections.abc import Mapping
from dataclasses import dataclass

from potstill.artifacts import read_manifest
from potstill.measure.intervals import wilson
from tests.bench.pruning_latency import TOKENS, Latency
from tests.bench.pruning_results import Result
from tests.bench.pruning_variants import CONTROL, MASKS, PEER, RAW, RECOVERED, ROUNDS, UNIFORM

MEASURES = {
    "taylor": "Taylor",
    "l2": "magnitude (L2)",
    "movement": "movement",
    UNIFORM: "Taylor, all layers alike",
    CONTROL: "random",
}
WAYS = {PEER: "torch-pruning: ", MASKS: "masks on single weights: "}
UNPRUNED = "unpruned"
HALF = "50-prune-taylor-iterative-recovered"
AT_EQUAL_FLOPS = {
    "heads + FFN, 50 %": HALF,
    "hidden width": "hidden-recovered",
    "2 of 4 layers": "layers-2-recovered",
    "heads + FFN, 25 %": "25-prune-taylor-iterative-recovered",
    "1 of 4 layers": "layers-1-recovered",
}
AGAINST = [
    (HALF, "hidden-recovered", "heads + FFN against hidden width at equal FLOPs"),
    (HALF, "layers-2-recovered", "heads + FFN against 2 of 4 layers at equal FLOPs"),
    ("25-prune-taylor-iterative-recovered", "layers-1-recovered", "heads + FFN against 1 of 4 layers at equal FLOPs"),
    (HALF, "50-prune-uniform-iterative-recovered", "uneven layers against all layers alike, 50 %"),
    (HALF, "50-prune-taylor-one-shot-recovered", "four rounds against one, 50 %"),
    (HALF, "50-prune-random-iterative-recovered", "Taylor against random, 50 %"),
    (HALF, "50-torch-pruning-taylor-iterative-recovered", "prune against torch-pruning, 50 %, four rounds, Taylor"),
    (
        "75-prune-taylor-iterative-recovered",
        "75-torch-pruning-taylor-iterative-recovered",
        "prune against torch-pruning, 75 %, four rounds, Taylor",
    ),
]


@dataclass(frozen=True)
class Tables:
    """Prints what is there.

    Attributes:
        results: by variant's name, and UNPRUNED.
        latency: by the same names, of those that were timed.
    """

    results: Mapping[str, Result]
    latency: Mapping[str, Latency]

    def share(self, share: int) -> None:
        """Print the table of a share of heads and neurons removed."""
        names = [name for name in self.results if name.startswith(f"{share}-")]
        if not names:
            return
        print(f"\n### {share} % of heads and FFN neurons removed\n")
        print(
            "| what goes by | rounds | no recovery: accuracy %, lost (95 %) | recovered: accuracy %, lost (95 %) | MB"
            " | latency × |\n|---|---:|---|---|---:|---:|"
        )
        print(f"| {UNPRUNED} | | {self._accuracy(UNPRUNED)} | | {self._size(UNPRUNED)} |")
        for stem in dict.fromkeys(name.rpartition("-")[0] for name in names):
            raw, recovered = f"{stem}-{RAW}", f"{stem}-{RECOVERED}"
            shown = recovered if recovered in self.results else raw
            print(f"| {title(stem)} | {self._lost(raw)} | {self._lost(recovered)} | {self._size(shown)} |")

    def equal_flops(self) -> None:
        """Print what else can be removed, beside heads and neurons of about the same FLOPs."""
        there = {title: name for title, name in AT_EQUAL_FLOPS.items() if name in self.results}
        if not there:
            return
        print("\n### What to remove: Taylor, four rounds, recovered\n")
        print("| removed | MFLOPs | MB | latency × | accuracy %, lost (95 %) |\n|---|---:|---:|---:|---|")
        for what, name in {"nothing": UNPRUNED, **there}.items():
            accuracy = self._accuracy(name) if name == UNPRUNED else self._lost(name)
            print(f"| {what} | {self.results[name].megaflops:.0f} | {self._size(name)} | {accuracy} |")

    def against(self) -> None:
        """Print the paired comparisons."""
        there = [each for each in AGAINST if each[0] in self.results and each[1] in self.results]
        if not there:
            return
        print("\n| on the same rows | points of accuracy gained (95 %) |\n|---|---|")
        for one, other, what in there:
            print(f"| {what} | {self.results[other].lost(self.results[one])} |")

    def _accuracy(self, name: str) -> str:
        found = self.results[name].right
        low, high = wilson(int(found.sum()), len(found))
        return f"{100 * found.mean():.2f} ({100 * low:.2f} … {100 * high:.2f})"

    def _lost(self, name: str) -> str:
        if name not in self.results:
            return "—"
        found = self.results[name]
        return f"{100 * found.right.mean():.2f}, {found.lost(self.results[UNPRUNED])}"

    def _size(self, name: str) -> str:
        timed = self.latency.get(name)
        return f"{self.results[name].megabytes:.2f} | {f'{timed.ratio:.2f}' if timed else '—'}"


def title(stem: str) -> str:
    """Name a variant for the table, with its rounds, from a name as 50-prune-taylor-iterative."""
    _, _, rest = stem.partition("-")
    schedule = next(each for each in ROUNDS if rest.endswith(each))
    way, _, measure = rest.removesuffix(f"-{schedule}").rpartition("-")
    return f"{WAYS.get(way, '')}{MEASURES[measure]} | {ROUNDS[schedule]}"


def vocabulary(before: Result, after: Result | None) -> None:
    """Print the table of the vocabulary alone, of a teacher that has all of it."""
    if after is None:
        return
    told = read_manifest(after.folder).meaning["vocabulary"]
    print(f"\n### The vocabulary pruned to {100 * told['coverage']:.2f} % of the texts, nothing else\n")
    print("| | word pieces | MB | [UNK] % of the texts counted | [UNK] % of the test texts | accuracy %, lost (95 %) |")
    print("|---|---:|---:|---:|---:|---|")
    for name, found, lost in (("before", before, ""), ("after", after, f", {after.lost(before)}")):
        rates = f"{100 * told[f'unknown_rate_{name}']:.3f} | {100 * found.unknown_rate:.3f}"
        accuracy = f"{100 * found.right.mean():.2f}{lost}"
        print(f"| {name} | {found.pieces:,} | {found.megabytes:.2f} | {rates} | {accuracy} |")


def conditions(results: Mapping[str, Result], latency: Mapping[str, Latency], peer: str) -> None:
    """Print what all tables share."""
    rows = len(results[UNPRUNED].right)
    print(f"\n{rows:,} test rows; torch-pruning {peer or 'not found'}.", end=" ")
    if latency:
        print(f"Unpruned: {latency[UNPRUNED].milliseconds:.2f} ms a row of {TOKENS} tokens; × is relative to it.")
    else:
        print("Latency was not measured.")
