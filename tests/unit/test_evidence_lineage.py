"""The order and the edges of a lineage, against the obvious definition."""

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potstill.artifacts import CHECKPOINT, Artifact
from potstill.errors import ArtifactError
from potstill.evidence.lineage import Lineage
from potstill.licences import UNDECLARED

STAGES = ("import-data", "tokenize", "distill", "prune")


def made(digest, inputs=(), stage="distill"):
    named = {f"input{place}": each for place, each in enumerate(inputs)}
    return Artifact(Path(), digest, CHECKPOINT, (), {"stage": stage}, named, UNDECLARED)


@st.composite
def graphs(draw):
    """Artifacts that read only earlier ones, in any order, with any stages."""
    count = draw(st.integers(1, 12))
    parents = [draw(st.sets(st.integers(0, place - 1))) if place else set() for place in range(count)]
    names = [f"{draw(st.integers(0, 2**32)):08x}{place:02d}" for place in range(count)]
    every = [
        made(names[place], sorted(names[each] for each in read), draw(st.sampled_from(STAGES)))
        for place, read in enumerate(parents)
    ]
    return {each.digest: each for each in draw(st.permutations(every))}


@given(graphs())
def test_each_artifact_stands_once_after_all_that_it_was_made_from(manifests):
    order = Lineage.of(manifests).order
    assert sorted(order) == sorted(manifests)
    for digest, each in manifests.items():
        assert all(order.index(parent) < order.index(digest) for parent in each.inputs.values())


@given(graphs(), st.randoms())
def test_the_order_does_not_depend_on_that_of_the_manifests(manifests, chance):
    shuffled = list(manifests)
    chance.shuffle(shuffled)
    assert Lineage.of(manifests) == Lineage.of({each: manifests[each] for each in shuffled})


@given(graphs())
def test_edges_are_the_inputs_of_all_manifests(manifests):
    wanted = {(parent, name, child.digest) for child in manifests.values() for name, parent in child.inputs.items()}
    edges = Lineage.of(manifests).edges
    assert set(edges) == wanted
    assert len(edges) == len(wanted)


@given(graphs())
def test_roots_read_nothing(manifests):
    assert set(Lineage.of(manifests).roots) == {digest for digest, each in manifests.items() if not each.inputs}


def slow_ancestors(manifests, digest):
    parents = manifests[digest].inputs.values()
    return {digest}.union(*(slow_ancestors(manifests, each) for each in parents))


@given(graphs())
def test_ancestors_are_all_that_can_be_reached(manifests):
    lineage = Lineage.of(manifests)
    for digest in manifests:
        assert lineage.ancestors(digest) == slow_ancestors(manifests, digest)


def test_every_hole_is_named_by_its_parameter_and_by_the_stage_that_reads_it():
    manifests = {"a": made("a", ["x" * 64], "tokenize"), "b": made("b", ["a", "y" * 64], "prune")}
    with pytest.raises(ArtifactError) as refused:
        Lineage.of(manifests)
    assert f"input0 {'x' * 64} of tokenize" in str(refused.value)
    assert f"input1 {'y' * 64} of prune" in str(refused.value)


def test_a_circle_is_refused_and_its_members_are_named():
    manifests = {"a": made("a", ["b"], "prune"), "b": made("b", ["a"], "qat"), "c": made("c", (), "distill")}
    with pytest.raises(ArtifactError, match="circle among prune a, qat b"):
        Lineage.of(manifests)


def test_a_long_chain_is_no_trouble():
    chain = {str(place): made(str(place), [str(place - 1)] if place else []) for place in range(1000)}
    names = list(chain)
    random.Random(0).shuffle(names)
    assert Lineage.of({name: chain[name] for name in names}).order == tuple(chain)
