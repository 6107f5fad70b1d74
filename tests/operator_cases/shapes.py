"""What moves values: shapes, slices, indices, order, and values made from settings."""

import numpy as np
import torch

from tests.operator_cases.case import EDGES, Case, both, floats, in_numpy, in_torch, mb, same, whole

X, Y, IDS = floats(2, 3, 4), floats(2, 3, 4), whole(2, 3, 4)
ONES = floats(1, 3, 1, 4)


def every(operator: str, said: str, build, x: np.ndarray = X, **rest) -> list[Case]:
    """The case with floats of both types, and with integers of the same shape."""
    whole_said = f"{said}, int32" if said else "int32"
    return [
        *both(operator, said, build, x=x, **rest),
        Case(operator, whole_said, build, {"x": (x * 5).astype(np.int32)}, **rest),
    ]


MOVED = [
    *every("reshape", "−1", lambda x: mb.reshape(x=x, shape=[2, -1])),
    *every("reshape", "0 keeps an axis", lambda x: mb.reshape(x=x, shape=[0, 4, -1])),
    *every("reshape", "of a scalar", lambda x: mb.reshape(x=x, shape=[1, 1]), np.array(0.5, np.float32)),
    *every("flatten2d", "", lambda x: mb.flatten2d(x=x, axis=2)),
    *every("flatten2d", "axis −1", lambda x: mb.flatten2d(x=x, axis=-1)),
    *every("transpose", "", lambda x: mb.transpose(x=x, perm=[2, 0, 1])),
    *every("transpose", "negative axes", lambda x: mb.transpose(x=x, perm=[-1, 0, -2])),
    *every("expand_dims", "", lambda x: mb.expand_dims(x=x, axes=[1, -1])),
    *every("squeeze", "", lambda x: mb.squeeze(x=x, axes=[0, -2]), ONES),
    *every("squeeze", "all", lambda x: mb.squeeze(x=x), ONES),
    *every("reverse", "", lambda x: mb.reverse(x=x, axes=[0, -1])),
    *every("reverse", "all", lambda x: mb.reverse(x=x)),
    *every("tile", "", lambda x: mb.tile(x=x, reps=[2, 1, 3])),
    *every("concat", "", lambda x: mb.concat(values=(x, x, x), axis=-2)),
    *both("concat", "two", lambda x, y: mb.concat(values=(x, y), axis=0), x=X, y=Y),
    *both(
        "concat",
        "by turns",
        lambda x, y: mb.concat(values=(x, y), axis=1, interleave=True),
        x=X,
        y=Y,
        **in_numpy(lambda x, y: np.stack([x, y], 2).reshape(2, 6, 4)),
    ),
    *both("stack", "", lambda x, y: mb.stack(values=(x, y), axis=1), x=X, y=Y),
    *both(
        "stack",
        "axis −1",
        lambda x, y: mb.stack(values=(x, y), axis=-1),
        x=X,
        y=Y,
        **in_torch(lambda x, y: torch.stack([x, y], -1)),
    ),
    *every("split", "so many", lambda x: mb.split(x=x, num_splits=2, axis=-1)),
    *every("split", "sizes", lambda x: mb.split(x=x, split_sizes=[1, 2], axis=1)),
    *both(
        "sliding_windows",
        "",
        lambda x: mb.sliding_windows(x=x, axis=2, size=3, stride=1),
        x=X,
        **in_numpy(lambda x: np.stack([x[..., 0:3], x[..., 1:4]], 2)),
    ),
]
PARTS = [
    *every(
        "slice_by_index",
        "stride and mask",
        lambda x: mb.slice_by_index(
            x=x, begin=[0, 1, 0], end=[2, 3, 4], stride=[1, 1, 2], end_mask=[True, False, True]
        ),
    ),
    *every("slice_by_index", "from the end", lambda x: mb.slice_by_index(x=x, begin=[0, -2, -3], end=[2, -1, -1])),
    *every(
        "slice_by_index",
        "backwards",
        lambda x: mb.slice_by_index(
            x=x, begin=[0, 0, 3], end=[0, 0, 0], stride=[1, -1, -2], begin_mask=[True, True, False], end_mask=[True] * 3
        ),
    ),
    *every(
        "slice_by_index",
        "squeezed",
        lambda x: mb.slice_by_index(x=x, begin=[-1, 0, 1], end=[0, 1, 3], squeeze_mask=[True, False, False]),
    ),
    Case(
        "slice_by_index",
        "to a scalar",
        lambda x: mb.slice_by_index(x=x, begin=[0, 2, 1], end=[0, 0, 0], squeeze_mask=[True] * 3),
        {"x": X},
    ),
    *every("slice_by_size", "", lambda x: mb.slice_by_size(x=x, begin=[0, 1, -2], size=[-1, 2, 1])),
    *both(
        "slice_update",
        "",
        lambda x, u: mb.slice_update(x=x, update=u, begin=[0, 1, 0], end=[2, 3, 3], stride=[1, 1, 2]),
        x=X,
        u=floats(2, 2, 2),
        since=18,
    ),
    *both("pad", "constant", lambda x: mb.pad(x=x, pad=[1, 0, 0, 2], constant_val=same(x, 7)), x=X),
    *both("pad", "every axis", lambda x: mb.pad(x=x, pad=[0, 0, 1, 0, 0, 2], constant_val=same(x, -1e4)), x=X),
    *both("pad", "reflect", lambda x: mb.pad(x=x, pad=[0, 0, 1, 2, 2, 1], mode="reflect"), x=X),
    *both("pad", "replicate", lambda x: mb.pad(x=x, pad=[1, 0, 0, 1, 2, 2], mode="replicate"), x=X),
]
PLACES = np.array([[0, 2], [-1, 1]], np.int32)
ALONG = np.array([[[0, 2, 1, -1]], [[1, 1, 0, -3]]], np.int32)
POINTS = np.array([[0, 2], [1, -1], [1, 0]], np.int32)
ONE_DEEP = np.array([[1], [0], [-1]], np.int32)


def nd(x: np.ndarray, indices: np.ndarray) -> np.ndarray:
    return x[tuple(indices[..., depth] for depth in range(indices.shape[-1]))]


def scattered(mode: str):
    """An oracle of `scatter_nd` that takes one entry after the other."""
    changes = {
        "update": lambda _, new: new,
        "add": lambda old, new: old + new,
        "sub": lambda old, new: old - new,
        "mul": lambda old, new: old * new,
        "div": lambda old, new: old / new,
        "max": np.maximum,
        "min": np.minimum,
    }

    def oracle(data: np.ndarray, indices: np.ndarray, updates: np.ndarray) -> np.ndarray:
        found = data.copy()
        for place in np.ndindex(indices.shape[:-1]):
            where = tuple(indices[place])
            found[where] = changes[mode](found[where], updates[place])
        return found

    return in_numpy(oracle)


def by_axis(mode: str):
    """The same for `scatter` along axis 1."""
    entry = scattered(mode)["oracle"]
    return in_numpy(
        lambda data, indices, updates: entry(
            data.swapaxes(0, 1).copy(), indices[:, None], updates.swapaxes(0, 1)
        ).swapaxes(0, 1)
    )


def one_by_one(mode: str):
    """The same for `scatter_along_axis` along axis 1."""
    entry = scattered(mode)["oracle"]

    def oracle(data: np.ndarray, indices: np.ndarray, updates: np.ndarray) -> np.ndarray:
        places = np.stack(np.indices(indices.shape), -1)
        places[..., 1] = indices
        return entry(data, places, updates)

    return in_numpy(oracle)


MODES = ("update", "add", "sub", "mul", "div", "max", "min")
UPDATES = floats(3, 4, low=0.5)
INDEXED = [
    *both("gather", "", lambda x, i: mb.gather(x=x, indices=i, axis=1), x=X, i=PLACES),
    *both("gather", "axis −1", lambda x, i: mb.gather(x=x, indices=i, axis=-1), x=X, i=PLACES),
    *both("gather", "edges", lambda x, i: mb.gather(x=x, indices=i), x=EDGES, i=np.array([4, 2, 3, -9], np.int32)),
    *both("gather", "a scalar index", lambda x, i: mb.gather(x=x, indices=i, axis=1), x=X, i=np.array(2, np.int32)),
    Case("gather", "int32", lambda x, i: mb.gather(x=x, indices=i, axis=0), {"x": IDS, "i": np.abs(PLACES) % 2}),
    *both(
        "gather",
        "batch_dims",
        lambda x, i: mb.gather(x=x, indices=i, axis=2, batch_dims=1),
        x=X,
        i=np.abs(PLACES),
        since=16,
        **in_numpy(lambda x, i: np.stack([np.take(row, its, 1) for row, its in zip(x, i, strict=True)])),
    ),
    *both("gather_along_axis", "", lambda x, i: mb.gather_along_axis(x=x, indices=i, axis=1), x=X, i=ALONG),
    *both("gather_nd", "", lambda x, i: mb.gather_nd(x=x, indices=i), x=X, i=POINTS, **in_numpy(nd)),
    *both("gather_nd", "shallow", lambda x, i: mb.gather_nd(x=x, indices=i), x=X, i=ONE_DEEP, **in_numpy(nd)),
    *both(
        "gather_nd",
        "batch_dims",
        lambda x, i: mb.gather_nd(x=x, indices=i, batch_dims=1),
        x=X,
        i=np.array([[[0, 3], [2, 1]], [[1, 1], [0, 0]]], np.int32),
        since=16,
        **in_numpy(lambda x, i: np.stack([nd(row, its) for row, its in zip(x, i, strict=True)])),
    ),
    *[
        case
        for mode in MODES
        for case in both(
            "scatter_nd",
            mode,
            lambda d, i, u, mode=mode: mb.scatter_nd(data=d, indices=i, updates=u, mode=mode),
            d=X,
            i=POINTS,
            u=UPDATES,
            **scattered(mode),
        )
    ],
    *[
        case
        for mode in MODES
        for case in both(
            "scatter",
            mode,
            lambda d, i, u, mode=mode: mb.scatter(data=d, indices=i, updates=u, axis=1, mode=mode),
            d=X,
            i=np.array([2, 0], np.int32),
            u=floats(2, 2, 4, low=0.5),
            **by_axis(mode),
        )
    ],
    *[
        case
        for mode in MODES
        for case in both(
            "scatter_along_axis",
            mode,
            lambda d, i, u, mode=mode: mb.scatter_along_axis(data=d, indices=i, updates=u, axis=1, mode=mode),
            d=X,
            i=ALONG,
            u=floats(2, 1, 4, low=0.5),
            **one_by_one(mode),
        )
    ],
    Case(
        "scatter_nd",
        "add twice to one place",
        lambda d, i, u: mb.scatter_nd(data=d, indices=i, updates=u, mode="add"),
        {"d": IDS, "i": np.array([[1], [1]], np.int32), "u": whole(2, 3, 4)},
        **scattered("add"),
    ),
]
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
CASES = [*MOVED, *PARTS, *INDEXED, *MADE, *SORTED]
