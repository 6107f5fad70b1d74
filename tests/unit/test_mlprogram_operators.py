"""Every operator of the interpreter against PyMIL's value inference, or PyTorch, or numpy; on a Mac against Core ML."""

import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from potstill.coreml import load_program
from potstill.coreml.mlprogram.operators import OPERATORS
from tests.operator_cases.case import VERSIONS, Case, targets
from tests.operator_cases.document import PAGE, page
from tests.operator_cases.package import expected, given, save
from tests.operator_cases.table import CASES

ON_A_MAC = sys.platform == "darwin"
ELSEWHERE = {"classify"}  # gives no tensor: tests/unit/test_mlprogram.py
CONTROL = {"cond", "while_loop"}  # run blocks of operations: no entries of the table
EACH = [pytest.param(case, version, id=f"{case.name}, iOS {version}") for case in CASES for version in targets(case)]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory):
    @cache
    def predict(version: int) -> dict[str, np.ndarray]:
        cases = [case for case in CASES if version in targets(case)]
        path = save(cases, version, tmp_path_factory.mktemp("cases") / "model.mlpackage")
        return load_program(path).predict(given(cases))

    return predict


@pytest.mark.parametrize(("case", "version"), EACH)
def test_a_case(case: Case, version: int, found):
    compare(case, version, found(version))


@pytest.mark.macos
@pytest.mark.skipif(not ON_A_MAC, reason="Core ML itself runs on macOS only")
@pytest.mark.parametrize("case", CASES if ON_A_MAC else CASES[:1], ids=lambda case: case.name)
def test_a_case_by_core_ml(case: Case, tmp_path: Path):
    import coremltools as ct

    for version in targets(case):
        path = save([case], version, tmp_path / f"{version}.mlpackage")
        model = ct.models.MLModel(str(path), compute_units=ct.ComputeUnit.CPU_ONLY)
        compare(case, version, model.predict(given([case])), 0)


def compare(case: Case, version: int, results: dict[str, np.ndarray], number: int | None = None) -> None:
    place = [each for each in CASES if version in targets(each)].index(case) if number is None else number
    wanted = expected(case, version)
    names = [name for name in results if name.startswith(f"result_{place}_")]
    assert len(names) == len(wanted)
    for order, right in enumerate(wanted):
        value = np.asarray(results[f"result_{place}_{order}"])
        assert value.shape == right.shape
        with np.errstate(invalid="ignore"):  # −∞ against ∞
            np.testing.assert_allclose(value, right.astype(value.dtype), rtol=case.allowed, atol=case.allowed)


def test_every_operator_has_a_case():
    assert {case.operator for case in CASES} | ELSEWHERE == OPERATORS.keys() | CONTROL


def test_names_of_cases_are_their_own():
    assert len({case.name for case in CASES}) == len(CASES)
    assert {version for case in CASES for version in targets(case)} == set(VERSIONS)


def test_the_page_of_operators_is_as_the_table():
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m tests.operator_cases.document"
