"""teacher-cache: compute once what a teacher answers on every row, so that every student learns from the same pass."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from potstill.teacher_cache.stage import TeacherCacheConfig, cache_teacher

__all__ = ["TeacherCacheConfig", "cache_teacher"]


def __getattr__(name: str) -> object:
    """Load the stage, and the libraries it computes with, when it is used; its KFP interface compiles without them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("potstill.teacher_cache.stage"), name)
