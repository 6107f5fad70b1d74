"""Options refuse nonsense when they are built, all offenders in one line."""

import dataclasses
from typing import Annotated

import pytest
from pydantic import Field, field_validator

from potstill.errors import OptionError
from potstill.options import Seed, Threads, choose, options


@options
class Parent:
    share: Annotated[float, Field(ge=0, lt=1)] = 0.5
    mode: str = "fast"

    @field_validator("mode")
    @classmethod
    def _mode(cls, value: str) -> str:
        return choose("mode", value, ("fast", "exact"))


@options
class Child(Parent):
    rounds: Annotated[int, Field(ge=1)] = 3


def test_every_offender_is_named_at_once():
    with pytest.raises(OptionError) as refused:
        Child(share=2.0, mode="slow", rounds=0)
    text = str(refused.value)
    assert "share should be less than 1, got 2.0" in text
    assert "mode must be one of fast, exact, got 'slow'" in text
    assert "rounds should be greater than or equal to 1, got 0" in text
    assert "\n" not in text


@pytest.mark.parametrize("nonsense", [float("nan"), float("inf")])
def test_no_number_is_no_option(nonsense):
    with pytest.raises(OptionError, match="share"):
        Parent(share=nonsense)


def test_unknown_and_positional_options_are_refused():
    with pytest.raises(OptionError, match="speed"):
        Parent(speed=1)
    with pytest.raises(OptionError):
        Parent(0.1)


def test_options_are_frozen_and_can_be_replaced():
    child = Child(rounds=2)
    with pytest.raises(dataclasses.FrozenInstanceError):
        child.rounds = 1
    assert dataclasses.replace(child, share=0.1) == Child(rounds=2, share=0.1)
    with pytest.raises(OptionError):
        dataclasses.replace(child, share=5.0)


@options
class Recipe:
    seed: Seed = 0
    threads: Threads = 1
    rows: int = 0


def test_seeds_and_threads_are_what_every_library_takes():
    assert Recipe(seed=2**32 - 1, threads=1024).seed == 2**32 - 1
    for nonsense in ({"seed": -1}, {"seed": 2**32}, {"seed": 10**20}, {"threads": 0}, {"threads": 1025}):
        with pytest.raises(OptionError, match=next(iter(nonsense))):
            Recipe(**nonsense)


def test_a_number_that_no_manifest_can_hold_is_refused():
    assert Recipe(rows=2**53 - 1)
    with pytest.raises(OptionError, match="rows should be at most 9007199254740991, got 9007199254740992"):
        Recipe(rows=2**53)
