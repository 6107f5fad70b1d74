"""Looking values up, and changing single ones, by their index."""

import numpy as np

from tests.operator_cases.case import EDGES, Case, both, floats, in_numpy, mb, whole

X, IDS = floats(2, 3, 4), whole(2, 3, 4)
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
CASES = INDEXED
