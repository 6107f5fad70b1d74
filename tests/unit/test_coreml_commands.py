"""`potstill coreml` as a person types it: what it prints, its exit codes, and one line for what it refuses."""

import io
import json
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest

from potstill.artifacts import COREML, expect
from potstill.cli import main
from potstill.coreml import load
from potstill.coreml.texts import encoded, read_texts
from potstill.coreml_export import CoremlExportConfig, export_coreml
from potstill.data.tokens import TEST, read_split
from potstill.measure.coreml_session import predict_coreml
from tests.conftest import LABELS, MONEY, SPORT
from tests.coreml_models import head, mb, program, save


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: Path, tiny_tokens: Path) -> Path:
    folder = tmp_path_factory.mktemp("made") / "exported"
    export_coreml(tiny_checkpoint, tiny_tokens, folder, CoremlExportConfig(formats="fp16,int8", parity_rows=8))
    assert expect(folder, COREML)
    return folder


@pytest.fixture
def little(tmp_path: Path) -> Path:
    model = head(np.eye(2, 3, dtype=np.float32), np.zeros(2, np.float32), ["甲", "乙"])
    return save(model, tmp_path / "head.mlmodel")


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert main(["coreml", *map(str, arguments)]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("potstill: error: ")
    assert told.err.count("\n") == 1
    return told.err


def test_the_map_and_help_teach(capsys: pytest.CaptureFixture[str]):
    assert main(["coreml"]) == 0
    told = capsys.readouterr().out
    assert all(f"coreml {name}" in told for name in ("inspect", "predict", "diff"))
    for name in ("inspect", "predict", "diff"):
        with pytest.raises(SystemExit) as ended:
            main(["coreml", name, "--help"])
        assert ended.value.code == 0
        told = capsys.readouterr().out
        assert f"usage: potstill coreml {name}" in told
        assert "Raises" not in told
    assert main(["--help"]) == 0
    assert "coreml inspect" in capsys.readouterr().out


def test_a_strange_command_is_refused(capsys: pytest.CaptureFixture[str]):
    assert "'coreml destroy' is not a command; commands are: coreml inspect, " in refused(capsys, "destroy")


def test_texts_are_classified_as_the_stage_classifies_them(exported: Path, tiny_tokens: Path):
    """The tokenizer beside the package gives the ids that the token set has."""
    model = load(exported / "model.int8.mlpackage")
    texts = [f"{(SPORT, MONEY)[i % 2][(i // 2) % 4]}{i}" for i in range(128, 136)]
    table = read_split(tiny_tokens, TEST).take(range(8))
    logits = np.concatenate([model.predict(each)["logits"] for each in encoded(model, texts)])
    np.testing.assert_array_equal(logits, predict_coreml(model, table))


def test_predict_prints_labels_with_probabilities(exported: Path, capsys: pytest.CaptureFixture[str]):
    package = exported / "model.int8.mlpackage"
    assert main(["coreml", "predict", str(package), "--text", SPORT[0], "--text", MONEY[0]]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.rpartition("|")[2].strip() for line in lines] == [SPORT[0], MONEY[0]]
    assert all(line.split()[0] in LABELS and "%" in line for line in lines)


def test_predict_prints_json_that_can_be_parsed(exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "texts.txt").write_text(f"{SPORT[0]}\n\n{'长' * 500}\n", encoding="utf-8")
    package = exported / "model.fp16.mlpackage"
    assert main(["coreml", "predict", str(package), "--texts", str(tmp_path / "texts.txt"), "--json"]) == 0
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert (first["text"], len(second["text"])) == (SPORT[0], 500)
    assert first["classLabel"] == max(first["classLabel_probs"], key=first["classLabel_probs"].get)
    assert np.argmax(first["logits"]) == LABELS.index(first["classLabel"])


@pytest.mark.parametrize(
    "content", [{"features": [[1, 0, 0]]}, [{"features": [[0.0, 1.0, 0.0]]}, {"features": [[1, 0, 0]]}]]
)
def test_inputs_from_json(content, little: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    file = tmp_path / "inputs.json"
    file.write_text(json.dumps(content))
    assert main(["coreml", "predict", str(little), "--inputs", str(file)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "甲 73.11%  乙 26.89%"
    assert len(lines) == (len(content) if isinstance(content, list) else 1)


def test_inputs_from_npz(little: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    np.savez(tmp_path / "inputs.npz", features=np.array([[1, 0, 0]]))
    assert main(["coreml", "predict", str(little), "--inputs", str(tmp_path / "inputs.npz"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["label"] == "甲"
    np.savez(tmp_path / "inputs.npz", features=np.array([[0, np.nan, 1]]))
    assert "the probabilities are no numbers" in refused(capsys, "predict", little, "--inputs", tmp_path / "inputs.npz")


def test_a_model_without_labels_prints_its_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    package = save(program(lambda x: mb.relu(x=x, name="y"), {"x": (1, 12)}), tmp_path / "relu.mlpackage")
    (tmp_path / "inputs.json").write_text(json.dumps({"x": [list(range(12))]}))
    assert main(["coreml", "predict", str(package), "--inputs", str(tmp_path / "inputs.json")]) == 0
    assert capsys.readouterr().out == "y 0 1 2 3 4 5 6 7 … 12 numbers\n"


def test_json_has_no_nan(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    package = save(program(lambda x: mb.relu(x=x, name="y"), {"x": (1, 2)}), tmp_path / "relu.mlpackage")
    (tmp_path / "inputs.json").write_text('{"x": [[1, NaN]]}', encoding="utf-8-sig")  # a byte order mark is no harm
    assert main(["coreml", "predict", str(package), "--inputs", str(tmp_path / "inputs.json"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"y": [[1, None]]}


def test_inputs_that_are_damaged_are_refused(little: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    np.savez(tmp_path / "whole.npz", features=np.zeros((1, 3)))
    whole = (tmp_path / "whole.npz").read_bytes()
    other = io.BytesIO()
    with ZipFile(other, "w") as archive:
        archive.writestr("features.txt", "1 0 0")
    single = io.BytesIO()
    np.save(single, np.zeros((1, 3)))
    flipped = whole.replace(bytes(24), bytes(23) + b"\1", 1)
    for content in (b"", whole[: len(whole) // 2], whole[:-30], flipped, b"PK\3\4" + bytes(60)):
        (tmp_path / "bad.npz").write_bytes(content)
        assert "bad.npz cannot be read (" in refused(capsys, "predict", little, "--inputs", tmp_path / "bad.npz")
    for content, said in ((other, "files that are no arrays: features.txt"), (single, "holds something else")):
        (tmp_path / "bad.npz").write_bytes(content.getvalue())
        assert said in refused(capsys, "predict", little, "--inputs", tmp_path / "bad.npz")
    (tmp_path / "deep.json").write_text("[" * 100_000)
    assert "deep.json cannot be read (" in refused(capsys, "predict", little, "--inputs", tmp_path / "deep.json")


def test_numbers_that_no_type_holds_are_refused(little: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    file = tmp_path / "inputs.json"
    for number in ("1e300", "1" + "0" * 18 + "e30", "1" + "0" * 400):
        file.write_text('{"features": [[0, 0, ' + number + "]]}")
        refused(capsys, "predict", little, "--inputs", file)


def test_names_texts_and_labels_do_not_end_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    model = head(np.eye(2, 3, dtype=np.float32), np.zeros(2, np.float32), ["甲\n丙", "乙\u2028"])
    package = save(model, tmp_path / "head.mlmodel")
    (tmp_path / "inputs.json").write_text('{"features": [[1, 0, 0]]}')
    assert main(["coreml", "predict", str(package), "--inputs", str(tmp_path / "inputs.json")]) == 0
    assert capsys.readouterr().out == "甲\\n丙 73.11%  乙\\u2028 26.89%\n"
    (tmp_path / "inputs.json").write_text('{"a\\nb\\ud800": [[1, 0, 0]]}')
    assert "inputs are a\\nb\\ud800; wanted" in refused(
        capsys, "predict", package, "--inputs", tmp_path / "inputs.json"
    )
    (tmp_path / "inputs.json").write_text('{"a\\nb": ["text"]}')
    assert "input a\\nb is no array" in refused(capsys, "predict", package, "--inputs", tmp_path / "inputs.json")


def test_texts_are_split_where_files_end_lines(tmp_path: Path):
    (tmp_path / "texts.txt").write_bytes("\ufeff一\u2028二\x0b三\r\n四\r五\n\n".encode())
    assert read_texts(tmp_path / "texts.txt") == ["一\u2028二\x0b三", "四", "五"]


def test_what_predict_refuses(exported: Path, little: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    package, inputs = exported / "model.int8.mlpackage", tmp_path / "inputs.json"
    assert "pass one of --text, --texts and --inputs" in refused(capsys, "predict", package)
    assert "pass one of --text" in refused(capsys, "predict", package, "--text", "a", "--inputs", inputs)
    assert "takes features, not the tokens of a text; pass them by --inputs" in refused(
        capsys, "predict", little, "--text", "a"
    )
    assert "inputs.json cannot be read" in refused(capsys, "predict", little, "--inputs", inputs)
    assert "texts.txt cannot be read" in refused(capsys, "predict", package, "--texts", tmp_path / "texts.txt")
    for content, said in {
        "[": "cannot be read",
        "[1]": "holds something else",
        '{"features": [[1], [1, 2]]}': "its rows differ in length",
        '{"features": ["a"]}': "no array of numbers",
        '{"features": [[1, 2]]}': r"input features is 1 × 2 float64; wanted is 1 × 3 FLOAT64",
        '{"other": [[1, 2, 3]]}': "inputs are other; wanted are features",
    }.items():
        inputs.write_text(content)
        assert said in refused(capsys, "predict", little, "--inputs", inputs)
    (tmp_path / "texts.txt").write_text("\n")
    assert "has no text" in refused(capsys, "predict", package, "--texts", tmp_path / "texts.txt")
    assert "has no function other" in refused(capsys, "predict", package, "--text", "a", "--function", "other")


def test_a_package_without_its_tokenizer_is_refused(exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    alone = tmp_path / "alone.mlpackage"
    alone.symlink_to(exported / "model.int8.mlpackage")
    said = refused(capsys, "predict", alone, "--text", "a")
    assert "tokenizer.json is missing; lay the model's own beside the package" in said
    (tmp_path / "tokenizer.json").write_text("{}")
    assert "tokenizer.json is not the file that the package names by its sha256" in refused(
        capsys, "predict", alone, "--text", "a"
    )


def test_inspect_tells_a_person_and_a_program(exported: Path, capsys: pytest.CaptureFixture[str]):
    package = str(exported / "model.int8.mlpackage")
    assert main(["coreml", "inspect", package]) == 0
    told = capsys.readouterr().out
    for said in (
        "runs on iOS 16, macOS 13",
        "input_ids",
        "1 × 32",
        "体育, 财经",
        "embeddings",
        "layer 1",
        "int8",
        "metadata",
    ):
        assert said in told
    assert main(["coreml", "inspect", package, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["labels"] == LABELS
    assert facts["bytes"] == sum(each["bytes"] for each in facts["sizes"])
    assert {each["name"] for each in facts["sizes"]} >= {"embeddings", "layer 0", "layer 1", "head"}


def test_inspect_tells_what_it_knows_of_a_damaged_package_and_ends_with_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    build = lambda x: mb.linear(x=x, weight=np.ones((48, 64), np.float32))  # noqa: E731
    package = save(program(build, {"x": (1, 64)}), tmp_path / "short.mlpackage")
    (package / "Data/com.apple.CoreML/weights/weight.bin").unlink()
    for form in ([], ["--json"]):
        assert main(["coreml", "inspect", str(package), *form]) == 2
        said = capsys.readouterr()
        assert "linear" in said.out
        assert "weight.bin ends before byte 64, where a weight is wanted" in said.err
        assert said.err.count("\n") == 1


def test_nobody_reads_on(little: Path):
    command = f"{sys.executable} -m potstill coreml inspect {little} | true; echo ${{PIPESTATUS[0]}}"
    found = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert (found.stdout, found.stderr) == ("141\n", "")


def test_inspect_refuses_what_is_no_package(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert "is not an .mlpackage" in refused(capsys, "inspect", tmp_path)
    assert "PATH" in refused(capsys, "inspect")


def test_diff_ends_with_0_where_nothing_differs(exported: Path, capsys: pytest.CaptureFixture[str]):
    package = str(exported / "model.fp16.mlpackage")
    assert main(["coreml", "diff", package, package]) == 0
    assert "no difference" in capsys.readouterr().out


def test_diff_ends_with_1_where_something_does(exported: Path, tiny_tokens: Path, capsys: pytest.CaptureFixture[str]):
    packages = [str(exported / f"model.{name}.mlpackage") for name in ("fp16", "int8")]
    assert main(["coreml", "diff", *packages, "--tokens", str(tiny_tokens), "--rows", "5"]) == 1
    told = capsys.readouterr().out
    assert "they differ" in told
    assert "answers, on 5 rows" in told
    assert "of labels are equal" in told
    assert main(["coreml", "diff", *packages, "--rows", "3", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["same"] is False
    assert {each["name"] for each in found["answers"]} == {"classLabel", "classLabel_probs", "logits"}
    words = [each["how"] for each in found["weights"] if "word_embeddings" in each["name"]]
    assert words == ["values"]  # once: under one name in both, whatever conversion put behind it


def test_diff_says_why_answers_are_not_compared(exported: Path, little: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["coreml", "diff", str(exported / "model.fp16.mlpackage"), str(little)]) == 1
    assert "answers: not compared (inputs are input_ids, " in capsys.readouterr().out


def test_diff_with_given_inputs(little: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "inputs.json").write_text(json.dumps({"features": [[1, 3, 0]]}))
    weight = np.eye(2, 3, 1, dtype=np.float32)
    other = save(head(weight, np.zeros(2, np.float32), ["甲", "乙"]), tmp_path / "other.mlmodel")
    assert main(["coreml", "diff", str(little), str(other), "--inputs", str(tmp_path / "inputs.json")]) == 1
    told = capsys.readouterr().out
    assert "answers, on 1 rows" in told
    assert "label: 0.00% of labels are equal" in told
    assert "fc_weights: values apart by at most 1" in told


def test_what_diff_refuses(exported: Path, little: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    package = exported / "model.fp16.mlpackage"
    assert "rows should be at least 1, got 0" in refused(capsys, "diff", package, package, "--rows", 0)
    both = ["--tokens", tmp_path, "--inputs", tmp_path]
    assert "both --tokens and --inputs are given" in refused(capsys, "diff", package, package, *both)
    assert "has no artifact.json" in refused(capsys, "diff", package, package, "--tokens", tmp_path)
