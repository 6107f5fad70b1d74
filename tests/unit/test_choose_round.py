"""The stage choose-round: another round of a pruned checkpoint, as one of its own."""

import shutil
from dataclasses import replace

import pytest
import torch

from potstill.artifacts import CHECKPOINT, expect, seal
from potstill.choose_round import ChooseRoundConfig, choose_round
from potstill.cli import main
from potstill.encoder.checkpoint import load_classifier, parameter_count
from potstill.errors import ArtifactError, InputError, OptionError
from potstill.licences import Licence
from potstill.output_folder import creating
from potstill.prune.curve import read_curve, write_curve
from tests.conftest import LABELS, MAKER
from tests.pruned_rounds import shrink

IDS = torch.arange(5, 25)[None]


def logits(model):
    with torch.inference_mode():
        return model(input_ids=IDS).logits


@pytest.mark.parametrize("number", [0, 1, 2])
def test_every_round_computes_what_it_did(number, tmp_path, pruned_checkpoint, tiny_checkpoint):
    measures = choose_round(pruned_checkpoint, tmp_path / "chosen", ChooseRoundConfig(round=number))
    wanted = shrink(load_classifier(tiny_checkpoint))[number]
    model = load_classifier(tmp_path / "chosen")
    assert torch.equal(logits(model), logits(wanted))
    point = read_curve(pruned_checkpoint).at(number)
    assert measures["round"] == number
    assert measures["parameters"] == point.parameters == parameter_count(model)
    assert measures["validation_accuracy"] == point.accuracy
    assert measures["lost_at_most"] == point.lost_at_most


def test_the_chosen_round_is_a_whole_checkpoint(tmp_path, pruned_checkpoint):
    choose_round(pruned_checkpoint, tmp_path / "chosen", ChooseRoundConfig(round=2))
    made, source = expect(tmp_path / "chosen", CHECKPOINT), expect(pruned_checkpoint, CHECKPOINT)
    assert made.inputs == {"pruned": source.digest}
    assert made.meaning["labels"] == LABELS
    assert made.meaning["max_length"] == 32
    assert made.meaning["round"] == 2
    names = {file.path for file in made.files}
    assert names >= {"config.json", "model.safetensors", "tokenizer.json", "vocab.txt", "curve.json", "curve.svg"}
    assert not any(name.startswith("rounds/") for name in names)
    curve = read_curve(tmp_path / "chosen")
    assert curve == replace(read_curve(pruned_checkpoint), chosen=2)


def copy_of(pruned, folder, *, change=lambda _: None):
    """A copy that is sealed anew after a change."""
    with creating(folder, CHECKPOINT):
        shutil.copytree(pruned, folder, dirs_exist_ok=True, ignore=lambda *_: ["artifact.json"])
        change(folder)
        meaning = expect(pruned, CHECKPOINT).meaning
        return seal(folder, CHECKPOINT, MAKER, {}, meaning, Licence("LicenseRef-x", "research-only")).path


def test_the_same_round_gives_the_same_digest_and_keeps_the_licence(tmp_path, pruned_checkpoint):
    source = copy_of(pruned_checkpoint, tmp_path / "source")
    for name in ("one", "two"):
        choose_round(source, tmp_path / name, ChooseRoundConfig(round=0))
    one, two = (expect(tmp_path / name, CHECKPOINT) for name in ("one", "two"))
    assert one.digest == two.digest
    assert one.licence.use == "research-only"


def test_each_round_comes_with_its_own_tokenizer_and_id_map(tmp_path, pruned_checkpoint):
    def change(folder):
        (folder / "rounds" / "0" / "vocab.txt").write_text("another\n")
        (folder / "rounds" / "0" / "vocabulary.json").write_text('{"kept": [0]}')

    source = copy_of(pruned_checkpoint, tmp_path / "source", change=change)
    choose_round(source, tmp_path / "chosen", ChooseRoundConfig(round=0))
    assert (tmp_path / "chosen" / "vocab.txt").read_text() == "another\n"
    assert (tmp_path / "chosen" / "vocabulary.json").read_text() == '{"kept": [0]}'
    choose_round(source, tmp_path / "other", ChooseRoundConfig(round=1))
    assert (tmp_path / "other" / "vocab.txt").read_text() == (pruned_checkpoint / "vocab.txt").read_text()
    assert not (tmp_path / "other" / "vocabulary.json").exists()


@pytest.mark.parametrize("number", [-1, 3])
def test_a_round_that_is_not_there_is_refused_with_those_that_are(number, tmp_path, pruned_checkpoint):
    with pytest.raises(OptionError) as refused:
        choose_round(pruned_checkpoint, tmp_path / "chosen", ChooseRoundConfig(round=number))
    message = str(refused.value)
    assert f"got {number}: 0 (90.00 %, 0." in message
    assert "; 1 (89.50 %, 0." in message
    assert "MB, below the floor)" in message
    assert not (tmp_path / "chosen").exists()


def test_a_round_that_was_not_kept_is_not_offered(tmp_path, pruned_checkpoint):
    source = copy_of(pruned_checkpoint, tmp_path / "source", change=lambda each: shutil.rmtree(each / "rounds" / "2"))
    with pytest.raises(OptionError, match=r"got 2: 0 \(.*\); 1 \([^;]*\)$"):
        choose_round(source, tmp_path / "chosen", ChooseRoundConfig(round=2))


def test_without_rounds_or_with_a_broken_curve_it_is_refused(tmp_path, pruned_checkpoint, tiny_checkpoint):
    with pytest.raises(InputError, match="keeps no further rounds; wanted is a checkpoint as potstill prune writes it"):
        choose_round(tiny_checkpoint, tmp_path / "chosen", ChooseRoundConfig(round=0))
    choose_round(pruned_checkpoint, tmp_path / "one", ChooseRoundConfig(round=0))
    with pytest.raises(InputError, match="keeps no further rounds"):
        choose_round(tmp_path / "one", tmp_path / "chosen", ChooseRoundConfig(round=1))
    broken = copy_of(pruned_checkpoint, tmp_path / "broken", change=lambda each: (each / "curve.json").write_text("{"))
    with pytest.raises(ArtifactError, match="is not the curve of a pruning"):
        choose_round(broken, tmp_path / "chosen", ChooseRoundConfig(round=0))
    assert not (tmp_path / "chosen").exists()


def test_an_output_that_is_the_input_is_refused_and_kept(tmp_path, pruned_checkpoint):
    source = copy_of(pruned_checkpoint, tmp_path / "source")
    with pytest.raises(ArtifactError, match="is read and written at once"):
        choose_round(source, source, ChooseRoundConfig(round=0))
    assert expect(source, CHECKPOINT)


def test_the_start_may_lie_at_the_root(tmp_path, pruned_checkpoint):
    def change(folder):
        write_curve(folder, replace(read_curve(folder), chosen=None))

    source = copy_of(pruned_checkpoint, tmp_path / "source", change=change)
    choose_round(source, tmp_path / "chosen", ChooseRoundConfig(round=2))
    with pytest.raises(OptionError, match=r"got 1: 0 \("):
        choose_round(source, tmp_path / "other", ChooseRoundConfig(round=1))


def test_options_and_command_line_refuse_in_one_line(tmp_path, pruned_checkpoint, capsys):
    with pytest.raises(OptionError, match="round should be greater than or equal to -1"):
        ChooseRoundConfig(round=-2)
    assert main(["choose-round", "--pruned", str(pruned_checkpoint), "--chosen", str(tmp_path / "chosen")]) == 2
    assert "potstill: error: round must be one of those in" in capsys.readouterr().err
    given = ["--pruned", str(pruned_checkpoint), "--chosen", str(tmp_path / "chosen"), "--round", "0"]
    assert main(["choose-round", *given]) == 0
    assert expect(tmp_path / "chosen", CHECKPOINT)
