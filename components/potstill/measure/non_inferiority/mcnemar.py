"""Do two models differ at all? McNemar's test, exactly."""

from functools import lru_cache


@lru_cache(maxsize=4096)
def mcnemar_p(lost: int, gained: int) -> float:
    """Return the exact two-sided p-value of "as many rows are lost as gained, but for luck".

    Rows on which both are right, or both wrong, say nothing: each other row is a coin's throw where neither is better.

    Args:
        lost: rows that the one model alone gets right.
        gained: rows that the other alone does.

    Returns: in [0, 1]; 1 where no row disagrees.

    Source: McNemar (1947), Psychometrika 12, 153-157, doi:10.1007/BF02295996, with the binomial distribution itself in
    the place of chi-squared.
    """
    from scipy.stats import binomtest  # noqa: PLC0415 - slow to import, and not in every stage's image

    return float(binomtest(lost, lost + gained).pvalue) if lost + gained else 1.0
