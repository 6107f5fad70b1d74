"""Making and judging the variants of bench_pruning, and keeping what came of them, so that a stopped run goes on."""

import hashlib
import json
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from potstill.artifacts import is_sealed, read_manifest, sha256_of
from potstill.data.tokens import TEST, TokenTable, read_texts
from potstill.encoder.checkpoint import WEIGHTS, load_classifier, read_config
from potstill.measure.intervals import paired_bootstrap
from potstill.measure.torch_session import predict_torch
from potstill.progress import tell
from potstill.prune import PruneConfig, prune_checkpoint
from potstill.prune.cost import flops
from potstill.training.device import reproducible
from potstill.training.scoring import right
from potstill.vocabulary.counting import count_pieces, unknown_rate
from potstill.vocabulary.encoding import Encoder, load_encoder
from potstill.vocabulary.retokenizing import retokenized
from tests.bench.pruning_inputs import Pair
from tests.bench.pruning_peers import Masks, run_peer
from tests.bench.pruning_torch_pruning import TorchPruning
from tests.bench.pruning_variants import MASKS, PEER, Variant

PEERS = {PEER: TorchPruning, MASKS: Masks}
MEGA = 1e6


@dataclass(frozen=True)
class Result:
    """What came of a variant.

    Attributes:
        folder: its checkpoint.
        right: (rows of the test split,) where it is right.
        megabytes: of its weights file, 10^6 bytes.
        megaflops: of one row of full length, 10^6 operations.
        pieces: rows of its word embeddings.
        unknown_rate: share of [UNK] among the words of the test split, in [0, 1].
    """

    folder: Path
    right: npt.NDArray[np.bool_]
    megabytes: float
    megaflops: float
    pieces: int
    unknown_rate: float

    def lost(self, before: "Result") -> str:
        """Return the points lost against another model, with their 95 % interval."""
        low, high = paired_bootstrap(before.right, self.right)
        return f"{100 * (before.right.mean() - self.right.mean()):.2f} ({100 * low:.2f} … {100 * high:.2f})"


class Results:
    """The variants of one teacher and one budget, in a folder."""

    def __init__(self, work: Path, pair: Pair, rows: int) -> None:
        """Use a folder; rows: at most so many for recovery and importance."""
        self.work, self.pair, self.rows = work, pair, rows
        work.mkdir(parents=True, exist_ok=True)

    def unpruned(self) -> Result:
        """Judge the teacher, unless it is judged already."""
        return self._judged("unpruned", self.pair.teacher)

    def of(self, variant: Variant) -> Result | None:
        """Return what came of a variant; None where it was not made yet."""
        folder = self._place(variant)
        return self._judged(folder.name, folder) if _file(folder).is_file() else None

    def make(self, variant: Variant) -> None:
        """Make and judge a variant, unless that is done."""
        folder, began = self._place(variant), time.monotonic()
        if _file(folder).is_file():
            return
        if not is_sealed(folder):
            shutil.rmtree(folder, ignore_errors=True)
            self._run(variant, folder)
        found, before = self._judged(folder.name, folder), self.unpruned()
        seconds = time.monotonic() - began
        tell(f"{variant.name}: {found.lost(before)} points lost, {found.megabytes:.1f} MB, {seconds:.0f} s")

    def _run(self, variant: Variant, out: Path) -> None:
        config = variant.config(self.rows)
        if variant.way in PEERS:
            run_peer(PEERS[variant.way], self.pair.teacher, self.pair.tokens, out, config)
        else:
            prune_checkpoint(self.pair.teacher, self.pair.tokens, out, config)

    def _place(self, variant: Variant) -> Path:
        given = [sha256_of(each / "artifact.json") for each in (self.pair.teacher, self.pair.tokens)]
        what = json.dumps([variant.way, asdict(variant.config(self.rows)), given])
        return self.work / f"{variant.name}-{hashlib.sha256(what.encode()).hexdigest()[:8]}"

    def _judged(self, name: str, folder: Path) -> Result:
        """Read what is kept of a model's judgement, or judge it; the JSON comes last."""
        kept, rows = _file(self.work / name), self.work / f"{name}.npy"
        if not kept.is_file():
            np.save(rows, self._right(folder))
            kept.write_text(json.dumps(self._facts(folder)))
        return Result(folder, np.load(rows), **json.loads(kept.read_text()))

    def _right(self, folder: Path) -> npt.NDArray[np.bool_]:
        table = self._test(folder)
        with reproducible(0, PruneConfig().threads):
            return right(predict_torch(load_classifier(folder), table, what="test split"), table)

    def _facts(self, folder: Path) -> dict[str, Any]:
        config = read_config(folder)
        counted = count_pieces([read_texts(self.pair.tokens, TEST)], self._encoder(folder))
        return {
            "megabytes": (folder / WEIGHTS).stat().st_size / MEGA,
            "megaflops": flops(config, self._length) / MEGA,
            "pieces": config.vocab_size,
            "unknown_rate": unknown_rate(counted),
        }

    def _test(self, folder: Path) -> TokenTable:
        """The test split as this model's own tokenizer cuts it."""
        return retokenized(self.pair.tokens, TEST, self._encoder(folder))

    def _encoder(self, folder: Path) -> Encoder:
        return load_encoder(folder, self._length)

    @property
    def _length(self) -> int:
        return int(read_manifest(self.pair.tokens).meaning["max_length"])


def _file(folder: Path) -> Path:
    return folder.parent / f"{folder.name}.json"
