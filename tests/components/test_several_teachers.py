"""A loop over teachers, gathered by dsl.Collected, as KFP runs it: a list of artifacts comes to a stage as folders."""

from pathlib import Path

import pytest
from conftest import make_checkpoint
from kfp import dsl, local

from potstill.artifacts import TEACHER_OUTPUTS, expect
from potstill.teacher_cache.component import teacher_cache
from potstill.teacher_ensemble.component import teacher_ensemble


@pytest.mark.filterwarnings("ignore:You may be attemping:RuntimeWarning")  # ours are no stock Python images
def test_teachers_of_a_loop_become_one(tmp_path, monkeypatch, tokenizer_folder, tiny_tokens):
    teachers = [make_checkpoint(tmp_path / f"teacher-{seed}", tokenizer_folder, seed=seed) for seed in (1, 2, 3)]

    @dsl.pipeline(name="several-teachers")
    def several(tokens_uri: str, first_uri: str, teacher_uris: list[str]) -> dsl.Dataset:
        tokens = dsl.importer(artifact_uri=tokens_uri, artifact_class=dsl.Dataset)
        first = dsl.importer(artifact_uri=first_uri, artifact_class=dsl.Model)
        alone = teacher_cache(teacher=first.output, tokens=tokens.output, threads=1)
        with dsl.ParallelFor(teacher_uris) as uri:
            teacher = dsl.importer(artifact_uri=uri, artifact_class=dsl.Model)
            answered = teacher_cache(teacher=teacher.output, tokens=tokens.output, threads=1)
        together = teacher_ensemble(
            members=dsl.Collected(answered.outputs["outputs"]),
            first=alone.outputs["outputs"],
            tokens=tokens.output,
            weighting="validation",
        )
        return together.outputs["outputs"]

    # KFP's runner puts an indenting print in its place and takes it back, in each of a loop's threads: what one thread
    # found is another's, and stays for all tests that follow.
    monkeypatch.setattr("builtins.print", print)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2] / "components"))
    local.init(local.SubprocessRunner(use_venv=False), pipeline_root=str(tmp_path / "root"))
    first, *others = (str(each.path) for each in teachers)
    made = several(tokens_uri=str(tiny_tokens), first_uri=first, teacher_uris=others).output
    outputs = expect(Path(made.path), TEACHER_OUTPUTS)
    assert {member["teacher"] for member in outputs.meaning["members"]} == {each.digest for each in teachers}
    assert made.metadata["digest"] == outputs.digest
