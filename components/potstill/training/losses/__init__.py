"""Distillation losses: pure functions of tensors, each with its paper.

All of them compute in fp32, whatever they are fed and wherever autocast is on, take no notice of padding, and have a
gradient in the student alone.
"""

from potstill.training.losses.attention import attention_distributions, attention_scores
from potstill.training.losses.cls import cls_states
from potstill.training.losses.contrastive import contrastive_cls
from potstill.training.losses.feature_maps import feature_maps
from potstill.training.losses.hard import hard_labels, hard_multi_labels
from potstill.training.losses.hidden import hidden_states
from potstill.training.losses.relations import relation_divergence, relations
from potstill.training.losses.scores import scores
from potstill.training.losses.soft import soft_labels, soft_multi_labels

__all__ = [
    "attention_distributions",
    "attention_scores",
    "cls_states",
    "contrastive_cls",
    "feature_maps",
    "hard_labels",
    "hard_multi_labels",
    "hidden_states",
    "relation_divergence",
    "relations",
    "scores",
    "soft_labels",
    "soft_multi_labels",
]
