"""The Markdown tables of bench_quantization."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.bench.pruning_latency import TOKENS
from tests.bench.quantization_inputs import MOBILE, Setting
from tests.bench.quantization_results import Result
from tests.bench.quantization_variants import (
    ALONE,
    CLI,
    FLOAT,
    LEARNED,
    NAIVE,
    ON,
    PT2E,
    SMOOTHED,
    TRAINED,
    Budget,
    Variant,
)

AGAINST = {
    ALONE: "with the teacher against without",
    LEARNED: "ranges that follow against learned ones",
    SMOOTHED: "without SmoothQuant against with it",
    ON: "QAT against float trained as long",
    PT2E: "QAT against torchao's",
    CLI: "QAT against optimum-cli's defaults",
    NAIVE: "QAT against quantize_static's defaults, rows padded",
}
MOST_LOST, MOST_LOST_MOBILE = 0.3, 1.0  # points: the goals


@dataclass(frozen=True)
class Tables:
    """Prints what is there of one setting.

    Attributes:
        setting: the setting.
        budget: of what trains.
        variants: in the tables' order.
        results: by variant's name, of those that were made.
        latency: milliseconds by the same names; empty where none was measured.
    """

    setting: Setting
    budget: Budget
    variants: Sequence[Variant]
    results: Mapping[str, Result]
    latency: Mapping[str, float]

    def all(self) -> None:
        """Print the table of the ways, the paired comparisons and the goals."""
        self.ways()
        if TRAINED in self.results:
            self.against()
        if FLOAT in self.results:
            self.goals()

    def ways(self) -> None:
        """Print what each way costs and keeps."""
        budget, rows = self.budget, next(iter(self.results.values())).right.size
        print(f"\n### {self.setting.recipe.title}\n")
        print(
            f"{rows:,} test rows. Trained are {budget.rows:,} rows, {budget.epochs} epochs, learning rate "
            f"{budget.learning_rate:g}. Latency: CPU ms of a row of {TOKENS} tokens, one thread.\n"
        )
        print(
            "| | accuracy % in onnxruntime | points lost against float (95 %) | simulated % | MB | int8 linears | s to"
            " make | ms |\n|---|---:|---|---:|---:|---:|---:|---:|"
        )
        for each in self.variants:
            if each.name in self.results:
                print(f"| {each.title} | {self._row(each.name)} |")

    def against(self) -> None:
        """Print paired comparisons of QAT with the teacher."""
        found = {other: what for other, what in AGAINST.items() if other in self.results}
        if best := self.best_post_training():
            title = next(each.title for each in self.variants if each.name == best)
            found = {best: f"QAT against the best post-training way ({title})", **found}
        print("\n| QAT with the teacher, on the same rows | points of accuracy gained (95 %) |\n|---|---|")
        for other, what in found.items():
            print(f"| {what} | {self.results[other].lost(self.results[TRAINED])} |")

    def goals(self) -> None:
        """Print the goals that can be told."""
        most = MOST_LOST_MOBILE if self.setting.name == MOBILE else MOST_LOST
        best = self.best_post_training()
        for name in (TRAINED, LEARNED, SMOOTHED):
            if name not in self.results:
                continue
            lost = self._points(FLOAT) - self._points(name)
            print(f"\nGoal, {name}: at most {most} point lost: {lost:.2f}, {told(lost <= most)}", end="")
            if best:
                gained = self._points(name) - self._points(best)
                print(f"; not worse than {best}: {gained:+.2f}, {told(gained >= 0)}", end="")
            print(".")

    def best_post_training(self) -> str:
        """Name our most accurate way without training, on these very rows, which favours it; "" where there is none."""
        names = [each.name for each in self.variants if each.post_training and each.name in self.results]
        return max(names, key=self._points, default="")

    def _points(self, name: str) -> float:
        return 100 * float(self.results[name].right.mean())

    def _row(self, name: str) -> str:
        found, before = self.results[name], self.results.get(FLOAT)
        simulated = "—" if found.simulated is None else f"{100 * found.simulated:.2f}"
        lost = found.lost(before) if before and name != FLOAT else "—"
        timed = f"{self.latency[name]:.2f}" if name in self.latency else "—"
        size = f"{found.megabytes:.2f} | {found.int8} | {found.seconds:.0f}"
        return f"{self._points(name):.2f} | {lost} | {simulated} | {size} | {timed}"


def told(met: bool) -> str:
    """Say whether a goal is met."""
    return "met" if met else "MISSED"
