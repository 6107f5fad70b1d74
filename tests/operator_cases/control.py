"""Conditions and loops."""

import numpy as np

from tests.operator_cases.case import Case, in_numpy, mb


def either(x):
    """Twice x where its sum is positive, else 1 less."""
    positive = mb.greater(x=mb.reduce_sum(x=x), y=0.0)
    return mb.cond(pred=positive, _true_fn=lambda: mb.mul(x=x, y=2.0), _false_fn=lambda: mb.sub(x=x, y=1.0))


def doubled(x):
    """Twice x as often as it takes for the sum to pass 100, and how often that is."""
    return mb.while_loop(
        _cond=lambda _, grown: mb.less(x=mb.reduce_sum(x=grown), y=100.0),
        _body=lambda count, grown: (mb.add(x=count, y=1), mb.mul(x=grown, y=2.0)),
        loop_vars=(np.int32(0), x),
    )


FEW = np.array([1, 2, 4], np.float32)
CONTROL = [
    Case("cond", "true", either, {"x": FEW}, **in_numpy(lambda x: x * 2)),
    Case("cond", "false", either, {"x": -FEW}, **in_numpy(lambda x: x - 1)),
    Case("while_loop", "", doubled, {"x": FEW}, **in_numpy(lambda x: (np.int32(4), x * 16))),
    Case("while_loop", "not once", doubled, {"x": FEW * 50}, **in_numpy(lambda x: (np.int32(0), x))),
]
CASES = CONTROL
