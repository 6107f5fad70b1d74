"""Parts of tensors, parts replaced, borders."""

from tests.operator_cases.case import Case, both, every, floats, mb, same

X = floats(2, 3, 4)
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
CASES = PARTS
