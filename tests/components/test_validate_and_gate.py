"""validate and its gate as KFP runs them: verdict and failures pass as parameters, artifacts and metrics come out."""

import json
from pathlib import Path

import pytest

pytest.importorskip("kfp")
from kfp import dsl, local
from kfp.dsl import Dataset, Model

from potstill.artifacts import REPORT, expect
from potstill.validate.component import gate, validate
from tests.validating import only

# KFP warns of every image whose name does not hold "python"; the library is on the path here, as it is in the image.
pytestmark = pytest.mark.filterwarnings("ignore:You may be attemping to run a task:RuntimeWarning")


@pytest.fixture
def run_locally(tmp_path, monkeypatch):
    """Run validate and the gate on a model with some budgets; gives the pipeline's run."""
    components = Path(__file__).parents[2] / "components"
    monkeypatch.setenv("PYTHONPATH", str(components))
    local.init(local.SubprocessRunner(use_venv=False), pipeline_root=str(tmp_path / "root"), raise_on_error=False)

    def run(tokens, model, budgets):
        @dsl.pipeline(name="judge")
        def judge() -> None:
            table = dsl.importer(artifact_uri=str(tokens), artifact_class=Dataset, reimport=True)
            trained = dsl.importer(artifact_uri=str(model), artifact_class=Model, reimport=True)
            judged = validate(
                tokens=table.output,
                model=trained.output,
                budgets=budgets,
                latency_rows=3,
                robustness_rows=2,
                footprint=False,
                threads=1,
            )
            gate(**{name: judged.outputs[name] for name in ("verdict", "failures", "figures", "page")})

        return judge()

    return run


@pytest.mark.parametrize(("budget", "verdict"), [(0.001, "fail"), (100.0, "pass")])
def test_the_gate_decides_and_the_report_stays(
    tmp_path, capfd, run_locally, tiny_tokens, tiny_checkpoint, budget, verdict
):
    run_locally(tiny_tokens, tiny_checkpoint, only(max_size_mb=budget))
    said = capfd.readouterr()
    report = next((tmp_path / "root").rglob("report"))
    assert expect(report, REPORT).meaning["final"] == "model"
    assert json.loads((report.parent / "figures").read_text(encoding="utf-8"))["verdict"] == verdict
    told = json.loads((report.parent / "judgement").read_text(encoding="utf-8"))
    assert (told["verdict"], told["report"]) == (verdict, expect(report, REPORT).digest)
    assert (report.parent / "card").read_text(encoding="utf-8").startswith("---\n")
    assert (report.parent / "page").read_text(encoding="utf-8").startswith("<!doctype html>")
    failed = "max_size_mb: model has" in said.out + said.err
    assert failed == (verdict == "fail")
