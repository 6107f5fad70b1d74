"""A team takes one compiled component into a pipeline of its own."""

from pathlib import Path

import pytest
from kfp import components, dsl, local

from potstill.artifacts import CHECKPOINT, expect
from potstill.prune.curve import read_curve

GOLDEN = Path(__file__).parents[1] / "golden" / "components"


@pytest.mark.filterwarnings("ignore:You may be attemping:RuntimeWarning")  # ours are no stock Python images
def test_a_compiled_component_runs_in_a_foreign_pipeline(tmp_path, tiny_checkpoint, tiny_tokens):
    prune = components.load_component_from_file(str(GOLDEN / "prune.yaml"))

    @dsl.pipeline(name="somebody-elses")
    def foreign(model_uri: str, tokens_uri: str) -> dsl.Model:
        model = dsl.importer(artifact_uri=model_uri, artifact_class=dsl.Model)
        tokens = dsl.importer(artifact_uri=tokens_uri, artifact_class=dsl.Dataset)
        pruned = prune(
            student=model.output, tokens=tokens.output, head_sparsity=0.5, rounds=1, max_accuracy_drop=100.0, threads=1
        )
        return pruned.outputs["pruned"]

    local.init(local.SubprocessRunner(use_venv=False), pipeline_root=str(tmp_path))
    made = foreign(model_uri=str(tiny_checkpoint), tokens_uri=str(tiny_tokens)).output
    pruned = expect(Path(made.path), CHECKPOINT)
    assert sum(read_curve(Path(made.path)).points[-1].heads) == 4
    assert made.metadata["digest"] == pruned.digest
