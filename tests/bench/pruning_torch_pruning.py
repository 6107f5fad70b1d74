"""torch-pruning (VainF/Torch-Pruning) as a peer of bench_pruning. It is in no lock: pip brings it into a folder."""

import sys
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForSequenceClassification, PreTrainedModel

from potstill.prune import PruneConfig
from potstill.prune.importance.rows import own_batches
from potstill.prune.rounds import Lessons
from potstill.prune.shape import config_of, shape_of
from potstill.prune.structure import attentions, feed_forwards
from potstill.training.cross_entropy import CrossEntropy

HOW = "pip install --no-deps --target FOLDER torch-pruning==1.6.1, and pass --torch-pruning FOLDER"


def torch_pruning_version(folder: Path | None) -> str:
    """Return the version that is found in the folder that pip was given, or where Python looks; empty: none is."""
    sys.path[:0] = [str(folder)] if folder else []
    try:
        return version("torch-pruning")  # its own __version__ is that of a release before
    except PackageNotFoundError:
        return ""


class TorchPruning:
    """torch-pruning as its BERT example has it, of heads and FFN neurons alone.

    Its defaults stay: a group's importance is divided by its mean, all layers are ranked together, and every round
    removes an equal share. Taylor's gradients are summed over the rows that ours is measured on. Other than in the
    example the hidden width stays: what writes the residual stream is left out.
    """

    def __init__(self, model: PreTrainedModel, lessons: Lessons, config: PruneConfig) -> None:
        self.model, self.lessons, self.config = model, lessons, config
        self.taylor = config.importance == "taylor"
        self.pruner = self._pruner()

    def cut(self, _: int) -> None:
        """Remove what its next step removes."""
        if self.taylor:
            self._differentiate()
        self.pruner.step()
        for layer in self.model.base_model.encoder.layer:
            own = layer.attention.self
            own.num_attention_heads, own.all_head_size = self.pruner.num_heads[own.query], own.query.out_features

    def ended(self) -> PreTrainedModel:
        """Put the weights into a model whose config tells its shape, to save and export it as ours are."""
        heads = tuple(each.heads for each in attentions(self.model))
        neurons = tuple(each.first.out_features for each in feed_forwards(self.model))
        config = config_of(self.model.config, replace(shape_of(self.model.config), heads=heads, neurons=neurons))
        made = AutoModelForSequenceClassification.from_config(config, attn_implementation="sdpa")
        made.load_state_dict(self.model.state_dict())
        return made.eval()

    def _pruner(self) -> Any:
        import torch_pruning

        heads, networks, base = attentions(self.model), feed_forwards(self.model), self.model.base_model
        stream = [base.embeddings, base.pooler, self.model.classifier]
        measures = torch_pruning.importance
        return torch_pruning.pruner.MetaPruner(
            self.model,
            {"input_ids": torch.arange(8)[None], "attention_mask": torch.ones(1, 8, dtype=torch.int64)},
            importance=measures.TaylorImportance() if self.taylor else measures.MagnitudeImportance(p=2),
            global_pruning=True,
            iterative_steps=self.config.rounds,
            pruning_ratio=self.config.ffn_sparsity,
            head_pruning_ratio=self.config.head_sparsity,
            num_heads={linear: each.heads for each in heads for linear in (each.query, each.key, each.value)},
            prune_num_heads=True,
            prune_head_dims=False,
            round_to=self.config.multiple,
            ignored_layers=stream + [each.output for each in heads] + [each.second for each in networks],
            output_transform=lambda answer: answer.logits.sum(),
        )

    def _differentiate(self) -> None:
        self.model.eval().zero_grad()
        for batch in own_batches(self.lessons.judged, self.config.batch_size, torch.device("cpu"), "gradients"):
            CrossEntropy()(self.model, batch).backward()
