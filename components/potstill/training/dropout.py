"""Dropout whose random numbers cost a CPU next to nothing, and are a function of the step alone."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from numpy.random import SFC64
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

LEVELS = 1 << 16  # a probability is met to 1/65,536: one 16-bit number is drawn for each element
PATTERNS = {2: torch.int16, 4: torch.int32, 8: torch.int64}  # the integer as wide as a float of so many bytes


class FastDropout(TorchFunctionMode):
    """While it is entered, every dropout draws 16 bits an element from SFC64, and attention keeps its matrix products.

    PyTorch draws its Bernoulli numbers on a CPU one after the other, in one thread: 20 ms of a 190 ms step of a 4×512
    BERT; these take 2.4. Its attention with dropout computes in fp32 even under bf16 autocast; this one does not.
    Elements are dropped independently with the same probability, and what is kept is scaled alike.

    The numbers depend on `seed` alone and not on what was computed before, so training can be taken up at any step.
    Where several processes compute some rows of a batch each, each draws the numbers of all rows and uses its own: a
    row's dropout is the same whoever computes it.
    """

    def __init__(self, seed: Sequence[int], rows: slice | None = None, of: int = 0) -> None:
        """Begin a stream of random numbers.

        Args:
            seed: whatever tells this forward pass from all others.
            rows: which rows of the batch are computed here, `slice(first, end)`; None: all of them.
            of: rows of the whole batch; read with `rows` alone.
        """
        super().__init__()
        self._random = SFC64(seed)
        self._rows, self._of = rows, of
        self._instead: dict[object, Callable[..., Tensor]] = {
            nn.functional.dropout: self._dropout,
            nn.functional.scaled_dot_product_attention: self._attention,
        }

    def __torch_function__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Compute `function`, or what stands in for it here."""
        return self._instead.get(function, function)(*args, **kwargs or {})

    def keep(self, shape: torch.Size, dtype: torch.dtype, p: float) -> Tensor:
        """Draw a mask: 0 with probability p in (0, 1), else 1/(1 − p).

        Raises:
            RuntimeError: `shape` begins with another number than that of the rows computed here.
        """
        drop = min(round(p * LEVELS), LEVELS - 1)
        kept = self._draw(shape) >= drop
        # NumPy has no bfloat16: the bits of the scale are multiplied by 0 or 1 as an integer, which is exact.
        scale = torch.tensor(LEVELS / (LEVELS - drop), dtype=dtype).view(PATTERNS[dtype.itemsize]).numpy()
        return torch.from_numpy(kept * scale).view(dtype).view(shape)

    def _draw(self, shape: torch.Size) -> npt.NDArray[np.uint16]:
        """Draw a number for each element, end to end; rows that are computed elsewhere have theirs drawn and left."""
        if self._rows is None:
            return self._words(shape.numel())
        rows, each = self._rows, shape[1:].numel()
        if shape[0] != rows.stop - rows.start:
            raise RuntimeError(
                f"dropout of {tuple(shape)} where rows {rows.start} to {rows.stop} of {self._of} are computed: "
                "the first dimension must be the rows"
            )
        return self._words(self._of * each)[rows.start * each : rows.stop * each]

    def _words(self, count: int) -> npt.NDArray[np.uint16]:
        drawn: npt.NDArray[np.uint16] = self._random.random_raw(-(-count // 4)).view("uint16")[:count]
        return drawn

    def _dropout(self, input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:  # noqa: A002
        if not training or not 0 < p < 1:
            return nn.functional.dropout(input, p, training, inplace)
        return input * self.keep(input.shape, input.dtype, p)

    def _attention(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attn_mask: Tensor | None = None,
        dropout_p: float = 0.0,
        **others: Any,
    ) -> Tensor:
        scored = attn_mask is None or attn_mask.is_floating_point()  # added to the scores, as BERT's models have it
        if not (0 < dropout_p < 1 and scored) or others.get("is_causal"):
            return nn.functional.scaled_dot_product_attention(query, key, value, attn_mask, dropout_p, **others)
        # Sums and softmax in fp32, products in the precision of what comes.
        scores = (query @ key.transpose(-1, -2)).float() * (others.get("scale") or query.shape[-1] ** -0.5)
        shares: Tensor = (scores if attn_mask is None else scores + attn_mask).softmax(-1).to(value.dtype)
        return (shares * self.keep(shares.shape, shares.dtype, dropout_p)) @ value


def seeded_dropout(device: torch.device, seed: Sequence[int], rows: slice, of: int) -> AbstractContextManager[object]:
    """Make dropout a function of the step while the block runs; arguments as FastDropout has them.

    A GPU draws its random numbers in parallel by itself: its generator is seeded, for these rows.
    """
    if device.type == "cpu":
        return FastDropout(seed, rows, of)
    torch.cuda.manual_seed(int(SFC64([*seed, rows.start]).random_raw()))
    return nullcontext()
