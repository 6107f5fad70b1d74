"""The table of images, their locks, and the bake file agree with each other and with the stages."""

import re
import tomllib
from pathlib import Path

import pytest

from images.families import FAMILIES, STAGES, family_of
from images.wheels import LOCKS, ROOT
from potstill.images import IMAGES

PIN = re.compile(r"^([\w.-]+)(?:\[[^]]*\])?==(\S+)", re.MULTILINE)


def pins(path: Path) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, version in PIN.findall(path.read_text()):
        found.setdefault(name, set()).add(version)
    return found


def test_every_name_that_a_component_asks_for_has_an_image():
    assert sorted(STAGES) == sorted(IMAGES)
    assert family_of("qat").name == "prune"


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_lock_pins_what_the_whole_lock_pins(family):
    whole = pins(ROOT / "requirements" / "lock.txt")
    own = pins(LOCKS / f"{family.name}.txt")
    assert "kfp" in own
    assert "torch" not in own  # of that there are several builds; its lock stands beside
    assert {name: versions for name, versions in own.items() if not versions <= whole[name]} == {}


def test_the_layer_of_pytorch_is_part_of_every_lock_above_it():
    layer = pins(LOCKS / "teacher-train.txt")
    for family in FAMILIES:
        if family.torch:
            assert layer.items() <= pins(LOCKS / f"{family.name}.txt").items()


def test_a_lock_holds_what_its_extra_asks_for_by_name():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for family in FAMILIES:
        asked = {re.split(r"[\[<>=~ ]", each)[0] for each in extras[family.name]} - {"potstill", "torch"}
        assert asked <= set(pins(LOCKS / f"{family.name}.txt"))


def test_the_bake_file_has_the_table():
    text = (ROOT / "images" / "docker-bake.hcl").read_text()
    rows = re.findall(r'stage = "([\w-]+)", family = "([\w-]+)", layer = "(\w+)"', text)
    table = {
        stage: (family.name, "torch" if family.torch else "python") for family in FAMILIES for stage in family.stages
    }
    assert {stage: (family, layer) for stage, family, layer in rows} == table
