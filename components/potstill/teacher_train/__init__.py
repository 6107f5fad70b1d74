"""teacher-train: fine-tune a pretrained encoder on the labelled rows."""

from potstill.teacher_train.stage import TeacherTrainConfig, train_teacher

__all__ = ["TeacherTrainConfig", "train_teacher"]
