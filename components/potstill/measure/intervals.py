"""How sure a share is: the interval of an accuracy measured on a finite number of rows."""

from statistics import NormalDist


def wilson(right: int, rows: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the score interval of a share: it keeps its level near 0 and 1, where ± 1.96 standard errors does not.

    Args:
        right: rows predicted rightly, in [0, rows].
        rows: rows in all, at least 1.
        confidence: level, in (0, 1).

    Returns: lower and upper bound, in [0, 1].

    Source: Wilson (1927), Journal of the American Statistical Association 22, 209-212, in the form of
    Brown, Cai and DasGupta (2001), doi:10.1214/ss/1009213286, equation 4.
    """
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = right / rows
    middle = (share + z**2 / (2 * rows)) / (1 + z**2 / rows)
    half = z / (1 + z**2 / rows) * (share * (1 - share) / rows + z**2 / (4 * rows**2)) ** 0.5
    return max(0.0, middle - half), min(1.0, middle + half)
