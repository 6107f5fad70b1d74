"""Who holds the very key signs what contradicts itself: the signature holds, and the bundle is refused all the same."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from potstill.artifacts import MANIFEST, SIGNATURE
from potstill.evidence.layout import INDEX, VERDICT
from tests import contradictory_reports, contradictory_seals, contradictory_verdicts
from tests.contradictions import CONTRADICTIONS
from tests.forging import Bundle, Forge, Forgery, mutated, paths_in, remake, reseal, resign, rewrite, sampled_fields
from tests.released import RESEARCH

MODULES = (contradictory_reports, contradictory_seals, contradictory_verdicts)  # they add to CONTRADICTIONS


@pytest.fixture(scope="module")
def forge(tmp_path_factory):
    """The ancestors are for research only, so that there is something to hide."""
    return Forge.make(tmp_path_factory.mktemp("forged"), start=RESEARCH)


def with_key(forge: Forge, repair: Callable[[Bundle, Path], None], change: Callable[[Bundle], object]) -> Callable:
    """Change, repair what can be repaired, and sign with the very key."""

    def forged(bundle: Bundle) -> None:
        change(bundle)
        repair(bundle, forge.key)

    return forged


def test_repairs_alone_are_accepted(forge):
    """Else what follows would be refused for the repair, and not for what was forged."""
    for repair in (resign, reseal, remake):
        assert forge.forged(lambda bundle, repair=repair: repair(bundle, forge.key)).wrong == ()
    renewed = forge.forged(with_key(forge, remake, lambda bundle: rewrite(bundle, _other_seed)))
    assert renewed.wrong == ()


def fields_resealed(forge: Forge) -> Iterator[Forgery]:
    """A field of every manifest, statement, envelope and paper; the bundle is sealed and signed again."""
    bundle = Bundle(forge.bundle)
    for name, value in sampled_fields(bundle, each=1, seed=3):
        repair = resign if name == MANIFEST else reseal
        if name != SIGNATURE:
            change = with_key(forge, repair, lambda it, name=name, value=value: it.write_json(name, value))
            yield Forgery(f"field of {name}", change)


def fields_remade(forge: Forge) -> Iterator[Forgery]:
    """Every field of the index, and of the verdict what a sealed file can be held against; all is made again."""
    bundle, dice = Bundle(forge.bundle), random.Random(4)
    for name in (INDEX, VERDICT):
        value = bundle.json(name)
        places = [path for path in paths_in(value) if not _is_unsealed(value, path)]
        for path in dice.sample(places, min(40, len(places))):
            body = mutated(value, path, dice)
            change = with_key(forge, remake, lambda it, name=name, body=body: it.write_json(name, body))
            yield Forgery(f"{name} at {path}", change)


@pytest.mark.parametrize(("family", "least"), [(fields_resealed, 50), (fields_remade, 80)])
def test_a_field_that_was_changed_is_not_accepted(forge, family, least):
    tried, accepted = forge.accepted(family(forge))
    assert accepted == []
    assert tried >= least


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_what_contradicts_itself_is_not_accepted(forge, name):
    change, said = CONTRADICTIONS[name]

    def forged(bundle: Bundle) -> None:
        (change(bundle, forge) or remake)(bundle, forge.key)

    proof = forge.forged(forged)
    signature = next(each for each in proof.findings if each.name == "signature")
    assert signature.proved
    assert any(said in line for line in proof.wrong), proof.wrong
    assert not any("a form that is not read" in line for line in proof.wrong)


def _is_unsealed(value: Any, path: tuple[Any, ...]) -> bool:
    """Whether a place of the verdict is a limit of what no sealed file tells, as of time and memory."""
    judged = {each["name"] for each in value.get("budgets", [])}
    return path[0] == "limits" and (len(path) == 1 or path[1] not in judged)


def _other_seed(body: dict[str, Any]) -> bool:
    student = body["made_by"]["stage"] == "distill"
    if student:
        body["made_by"]["config"]["seed"] = 7
    return student
