"""A share of 0 leaves a split out; tokenize allows it, and each stage that reads the split says so."""

import pytest
from conftest import MONEY, SPORT

from potstill.coreml_export import CoremlExportConfig, export_coreml
from potstill.data.tokens import TEST, VALIDATION, has_split
from potstill.distill import DistillConfig, distill_student
from potstill.errors import ArtifactError
from potstill.onnx_export import OnnxExportConfig, export_onnx
from potstill.prune import PruneConfig, prune_checkpoint
from potstill.qat import QatConfig, quantize_checkpoint
from potstill.teacher_cache import TeacherCacheConfig, cache_teacher
from potstill.teacher_train import TeacherTrainConfig, train_teacher
from potstill.tokenize import TokenizeConfig, tokenize_table
from potstill.validate import ValidateConfig, validate_models

FAST = {"threads": 1, "dtype": "float32"}
STAGES = {
    "teacher-train": lambda model, tokens, out: train_teacher(tokens, model, out, TeacherTrainConfig(**FAST)),
    "teacher-cache": lambda model, tokens, out: cache_teacher(model, tokens, out, TeacherCacheConfig(**FAST)),
    "distill": lambda model, tokens, out: distill_student(model, tokens, out, DistillConfig(**FAST)),
    "prune": lambda model, tokens, out: prune_checkpoint(model, tokens, out, PruneConfig(**FAST)),
    "qat": lambda model, tokens, out: quantize_checkpoint(model, tokens, out, QatConfig(**FAST)),
    "onnx-export": lambda model, tokens, out: export_onnx(model, tokens, out, OnnxExportConfig(threads=1)),
    "coreml-export": lambda model, tokens, out: export_coreml(model, tokens, out, CoremlExportConfig(threads=1)),
    "validate": lambda model, tokens, out: validate_models(tokens, model, out, ValidateConfig(threads=1)),
}
JUDGES = ("onnx-export", "coreml-export", "validate")


@pytest.fixture(scope="module")
def without(tmp_path_factory, tiny_checkpoint):
    """tokens/v1 without the split of that name."""
    folder = tmp_path_factory.mktemp("shares")
    rows = [
        f"{text}{number},{label}"
        for number in range(20)
        for label, texts in (("体育", SPORT), ("财经", MONEY))
        for text in texts
    ]
    (folder / "t.csv").write_text("text,label\n" + "\n".join(rows), encoding="utf-8")
    for split, share in ((TEST, "test_share"), (VALIDATION, "validation_share")):
        tokenize_table(folder / "t.csv", tiny_checkpoint, folder / split, TokenizeConfig(max_length=32, **{share: 0}))
        assert not has_split(folder / split, split)
    return folder


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_refuses_tokens_without_the_split_that_it_reads(stage, without, tiny_checkpoint, tmp_path):
    split = TEST if stage in JUDGES else VALIDATION
    with pytest.raises(ArtifactError, match=rf"no rows in split '{split}'; splits are: "):
        STAGES[stage](tiny_checkpoint, without / split, tmp_path / "out")
