"""Values made from settings, and values in order."""

import numpy as np
import torch

from tests.operator_cases.case import Case, both, every, floats, in_numpy, in_torch, mb, same, whole

X = floats(2, 3, 4)
MADE = [
    Case("shape", "", lambda x: mb.shape(x=x), {"x": X}),
    Case("shape", "float16", lambda x: mb.shape(x=x), {"x": X.astype(np.float16)}),
    Case("fill", "", lambda x: mb.add(x=mb.fill(shape=[2, 3], value=0.5), y=x), {"x": floats(2, 3)}),
    Case("fill", "int32", lambda x: mb.add(x=mb.fill(shape=[2], value=7), y=x), {"x": whole(2)}),
    *both("fill_like", "", lambda x: mb.fill_like(ref_tensor=x, value=same(x, 2)), x=X, since=16),
    Case(
        "range_1d",
        "",
        lambda e: mb.range_1d(start=np.float32(1), end=e, step=np.float32(0.5)),
        {"e": np.array(3.2, np.float32)},
    ),
    Case("range_1d", "int32", lambda e: mb.range_1d(start=7, end=e, step=-2), {"e": np.array(-1, np.int32)}),
    *both("band_part", "", lambda x: mb.band_part(x=x, lower=1, upper=0), x=X),
    *both("band_part", "above", lambda x: mb.band_part(x=x, lower=0, upper=-1), x=X),
    *both("band_part", "all", lambda x: mb.band_part(x=x), x=X),
    *[
        Case(
            "one_hot",
            f"axis {axis}",
            lambda i, axis=axis: mb.one_hot(indices=i, one_hot_vector_size=4, axis=axis, on_value=2.5, off_value=-1.0),
            {"i": np.array([[0, 3, 1], [2, 2, 0]], np.int32)},
            **in_numpy(lambda i, axis=axis: np.moveaxis(np.where(np.eye(4)[i] > 0, 2.5, -1), -1, axis)),
        )
        for axis in (-1, 0, 1)
    ],
]
MIXED = np.random.default_rng(3).permutation(24).reshape(2, 3, 4).astype(np.float32) - 12
EQUAL = np.array([[1, 3, 3, 2, 1]], np.float32)


def first_of_equals(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    values, places = torch.sort(x, dim=-1, descending=True, stable=True)
    return values[:, :3], places[:, :3].int()


SORTED = [
    *every("argsort", "", lambda x: mb.argsort(x=x, axis=1), MIXED),
    *every("argsort", "ascending", lambda x: mb.argsort(x=x, axis=-1, ascending=True), MIXED),
    *every("topk", "", lambda x: mb.topk(x=x, k=2, axis=1), MIXED),
    *every("topk", "ascending", lambda x: mb.topk(x=x, k=3, axis=-1, ascending=True), MIXED),
    *both("topk", "equals", lambda x: mb.topk(x=x, k=3, axis=-1), x=EQUAL, **in_torch(first_of_equals)),
    *both("topk", "values alone", lambda x: mb.topk(x=x, k=2, axis=1, return_indices=False), x=MIXED, since=16),
    *both("topk", "uint16", lambda x: mb.topk(x=x, k=2, output_indices_dtype="uint16"), x=MIXED, since=17),
    Case("non_zero", "", lambda x: mb.non_zero(x=x), {"x": np.array([[0, 1.5, 0], [-2, 0, 0.25]], np.float32)}),
]
CASES = [*MADE, *SORTED]
