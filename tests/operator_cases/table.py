"""All cases, in the order of the themes."""

from tests.operator_cases import compressed, elementwise, numeric, shapes

CASES = [*elementwise.CASES, *shapes.CASES, *numeric.CASES, *compressed.CASES]
