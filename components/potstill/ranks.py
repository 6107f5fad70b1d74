"""Several processes of one training: which of them tells."""

import os


def speaks() -> bool:
    """Tell whether this process is the one that tells: of several that torchrun started, the first."""
    return os.environ.get("RANK", "0") == "0"
