"""Files about budgets: the YAML that people write, the verdict that others read, and the schemas of both."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from potstill.errors import InputError, OptionError
from potstill.validate.budgets import Budgets, failures_of, judge_budgets, read_budgets, verdict_of, write_verdict
from potstill.validate.budgets.schemas import FORMS, schema_of
from potstill.validate.devices import read_devices
from potstill.validate.devices.own import SCHEMA
from tests.report_figures import report_figures

BUDGETS, VERDICT, DEVICES = FORMS


def test_nothing_given_is_the_defaults():
    assert read_budgets("") == read_budgets("# all as they stand\n") == Budgets()
    assert not Budgets().explicit("max_size_mb")


@pytest.mark.parametrize("suffix", [".yaml", ".yml", ".json"])
def test_a_file_and_its_text_say_the_same(tmp_path, suffix):
    text = '{"max_size_mb": 7.5, "max_ece": null, "beat_tfidf": false}'
    file = tmp_path / f"budgets{suffix}"
    file.write_text(text if suffix != ".json" else text.replace(" ", "\n\t"), encoding="utf-8")
    found = read_budgets(str(file))
    assert found == read_budgets(text)
    assert (found.max_size_mb, found.max_ece, found.beat_tfidf) == (7.5, None, False)
    assert found.explicit("max_ece")
    assert not found.explicit("max_unk_rate")


def test_numbers_are_read_as_yaml_1_2_writes_them():
    assert read_budgets("max_size_mb: 1e1\nmax_ece: .5\nmax_memory_mb: +80\nmax_accuracy_loss: 0") == Budgets(
        max_size_mb=10.0, max_ece=0.5, max_memory_mb=80.0, max_accuracy_loss=0.0
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("max_size: 10", r"there is no budget 'max_size'; nearest: max_size_mb; all: .*confidence"),
        ("max_size_mb: ten", r"max_size_mb must be a number or null, got 'ten'"),
        ("max_size_mb: '10'", r"max_size_mb must be a number or null, got '10'"),
        ("max_size_mb: true", r"max_size_mb must be a number or null, got true"),
        ("max_size_mb: 0", r"max_size_mb must be greater than 0, got 0"),
        ("max_size_mb: 010", r".*got '010'"),
        ("max_size_mb: 1:30", r".*got '1:30'"),
        ("max_latency_p95_ms: 1_0", r".*got '1_0'"),
        ("min_agreement: 95", r"min_agreement must be less than or equal to 1, got 95"),
        ("max_accuracy_loss: -1", r"max_accuracy_loss must be greater than or equal to 0, got -1"),
        ("max_ece: .nan", r"max_ece must be a finite number, got nan"),
        ("confidence: 1", r"confidence must be less than 1, got 1"),
        ("confidence: null", r"confidence must be a number, got null"),
        ("beat_tfidf: no", r"beat_tfidf must be true or false, got 'no'"),
        ("max_ece: [1]", r"max_ece must be a number or null, got \[1.?0?\]"),
        ("max_ece: 0.1\nmax_ece: 0.2", r"max_ece stands twice"),
        ("max_ece: 2\nmax_size_mb: x", r"max_ece must be .*; max_size_mb must be"),
        ("<<: {max_ece: 1}", r"there is no budget '<<'"),
        ("1: 2", r"there is no budget '1'"),
    ],
)
def test_a_wrong_budget_is_refused_in_one_line(given, said):
    with pytest.raises(OptionError, match=rf"^budgets: {said}") as refused:
        read_budgets(given)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("- 1", "must map budgets to limits"),
        ("hello", "must map budgets to limits"),
        ("a: &x 1\nb: *x", "anchors"),
        ("max_ece: *x", "anchors"),
        ("max_ece: !!python/object/apply:os.system [ls]", "tags are not read"),
        ("max_ece: !!float 1", "tags are not read"),
        ("max_ece: [", r"cannot be read: .*line"),
        ("max_ece: 1\n---\nmax_ece: 1", "another document"),
        ("? [a]\n: 1", "unhashable"),
        ("max_ece: 1\x00", "cannot be read"),
        (f"max_size_mb: {'9' * 5000}", "cannot be read"),
        ("#" * 70_000, "at most 65,536 bytes"),
        ("[" * 60_000, "cannot be read"),
        ("missing.yaml", "missing.yaml cannot be read: No such file"),
        ("a\x00.yaml", "cannot be read"),
    ],
)
def test_what_is_no_mapping_is_refused_in_one_line(given, said):
    with pytest.raises(InputError, match=said) as refused:
        read_budgets(given)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 400


def test_what_a_file_holds_wrongly_is_told_with_its_name(tmp_path):
    file = tmp_path / "b.json"
    file.write_text('{"max_ece": 1, "max_ece": 0.5}')
    with pytest.raises(OptionError, match=r"b\.json: max_ece stands twice"):
        read_budgets(str(file))
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match=r"b\.json cannot be read"):
        read_budgets(str(file))
    file.write_text("x" * 70_000)
    with pytest.raises(InputError, match="more than 65,536 bytes"):
        read_budgets(str(file))
    (tmp_path / "folder.yaml").mkdir()
    with pytest.raises(InputError, match=r"folder\.yaml is no plain file"):
        read_budgets(str(tmp_path / "folder.yaml"))


def judged(**limits):
    figures, budgets = report_figures(), Budgets(**limits)
    judgements = judge_budgets(figures, budgets)
    told = {"budgets": judgements, "verdict": verdict_of(judgements), "failures": failures_of(judgements)}
    return figures | told, budgets


@pytest.mark.parametrize("limits", [{}, {"max_size_mb": 5.0}, {"max_accuracy_loss": 0.4}, {"max_cold_start_ms": 1.0}])
def test_the_verdict_file_follows_its_schema(tmp_path, limits):
    figures, budgets = judged(**limits)
    path = tmp_path / "verdict.json"
    write_verdict(path, figures, budgets)
    body = json.loads(path.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema_of(VERDICT)).validate(body)
    assert body["schema"] == "potstill/verdict/v1"
    assert body["verdict"] == figures["verdict"]
    assert body["budgets"] == figures["budgets"]
    assert body["failures"] == figures["failures"]
    assert body["limits"]["max_size_mb"] == budgets.max_size_mb
    assert body["report"] == figures["report"]
    first = path.read_bytes()
    write_verdict(path, figures, budgets)
    assert path.read_bytes() == first


@pytest.mark.parametrize(
    "broken", [{"verdict": "maybe"}, {"rows": 0}, {"budgets": [{}]}, {"extra": 1}, {"limits": {"max_size": 1}}]
)
def test_the_schema_refuses_what_is_no_verdict(tmp_path, broken):
    figures, budgets = judged()
    write_verdict(tmp_path / "verdict.json", figures, budgets)
    body = json.loads((tmp_path / "verdict.json").read_text(encoding="utf-8")) | broken
    assert list(jsonschema.Draft202012Validator(schema_of(VERDICT)).iter_errors(body))


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.name)
def test_schemas_are_those_of_the_models(path):
    """`python -m potstill.validate.budgets.schemas` renews them."""
    schema = json.loads(path.read_text(encoding="utf-8"))
    assert schema == schema_of(path)
    jsonschema.Draft202012Validator.check_schema(schema)


def test_the_schema_for_editors_knows_what_is_read():
    validator = jsonschema.Draft202012Validator(schema_of(BUDGETS))
    assert validator.is_valid(yaml.safe_load("max_size_mb: 7.5\nmax_ece: null"))
    assert not validator.is_valid({"max_size": 7.5})
    assert not validator.is_valid({"min_agreement": 95})
    described = schema_of(BUDGETS)["properties"].values()
    assert all(len(each["description"]) > 30 for each in described)


def test_the_schema_for_devices_knows_its_form():
    validator = jsonschema.Draft202012Validator(schema_of(DEVICES))
    entry = {"model": "coreml_int8", "device": "iPhone 15", "memory_mb": 40.0}
    assert validator.is_valid({"schema": SCHEMA, "measurements": [entry]})
    assert not validator.is_valid({"schema": SCHEMA, "measurements": []})


def test_the_page_shows_every_budget_with_its_default():
    text = (Path(__file__).parents[2] / "docs/validate/budgets.md").read_text(encoding="utf-8")
    whole, short, failing = [block.split("```")[0] for block in text.split("```yaml\n")[1:]]
    assert read_budgets(whole).model_dump() == Budgets().model_dump()
    assert read_budgets(whole).model_fields_set == set(Budgets.model_fields)
    assert read_budgets(short).explicit("max_cold_start_ms")
    assert read_budgets(failing).max_latency_ratio == 0.04
    assert [name for name in Budgets.model_fields if f"| `{name}` |" not in text] == []


def test_the_page_of_devices_shows_a_form_that_is_read(tmp_path):
    text = (Path(__file__).parents[2] / "docs/validate/devices.md").read_text(encoding="utf-8")
    path = tmp_path / "devices.json"
    path.write_text(text.split("```json\n")[1].split("```")[0], encoding="utf-8")
    assert read_devices(path)[0]["p95_ms"] == 5.3
