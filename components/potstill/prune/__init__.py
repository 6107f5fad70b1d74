"""prune: remove attention heads and FFN neurons until a target or an accuracy floor is reached."""

from potstill.prune.stage import PruneConfig, prune_checkpoint

__all__ = ["PruneConfig", "prune_checkpoint"]
