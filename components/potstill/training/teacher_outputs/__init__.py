"""What a teacher answers on every row, kept on disk (teacher-outputs/v1): computed once, learned from many times."""

from potstill.training.teacher_outputs.describing import ANSWERED, answered_rows, describe
from potstill.training.teacher_outputs.layout import CLS, FURTHER, KEPT, LOGITS, RELATIONS, Kept, read_parts
from potstill.training.teacher_outputs.reading import OutputsView, TeacherOutputs, open_outputs, view_parts
from potstill.training.teacher_outputs.shards import SHARD_BYTES, write_logits
from potstill.training.teacher_outputs.sizing import kept_of
from potstill.training.teacher_outputs.writing import write_outputs

__all__ = [
    "ANSWERED",
    "CLS",
    "FURTHER",
    "KEPT",
    "LOGITS",
    "RELATIONS",
    "SHARD_BYTES",
    "Kept",
    "OutputsView",
    "TeacherOutputs",
    "answered_rows",
    "describe",
    "kept_of",
    "open_outputs",
    "read_parts",
    "view_parts",
    "write_logits",
    "write_outputs",
]
