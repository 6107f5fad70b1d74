"""Contradictions that the very key may be put under: a sealed report that is not of the models, the rows or itself.

The manifest of the report seals what was forged, and every digest follows; the verdict is judged anew from it.
"""

from typing import Any

from potstill.evidence.layout import FIGURES, VERDICT
from potstill.validate.budgets import failures_of, judge_budgets, read_budgets, verdict_of
from tests.contradictions import Change, contradiction, register_all
from tests.forging import Bundle, edit, retell, rewrite


def _forge(bundle: Bundle, change: Change) -> None:
    """Change the sealed figures, and judge by them."""

    def seal(body: dict[str, Any]) -> bool:
        report = body["made_by"]["stage"] == "validate"
        if report:
            retell(bundle, body, change)
            figures = bundle.json(FIGURES)
            body["meaning"].update({name: figures[name] for name in body["meaning"]})
        return report

    rewrite(bundle, seal)
    figures = bundle.json(FIGURES)
    judged = judge_budgets(figures, read_budgets(""))
    told = {"budgets": judged, "failures": failures_of(judged), "verdict": verdict_of(judged)}
    edit(bundle, FIGURES, lambda body: body.update(told))
    facts = {name: figures[name] for name in ("final", "reference", "rows")}
    edit(bundle, VERDICT, lambda body: body.update({**told, **facts}))


def _of(name: str, **figures: Any) -> Change:
    """Figures of one model are others."""
    return lambda body: body["models"][name].update(figures)


def _lost(name: str, **figures: Any) -> Change:
    """The loss of one model is another."""
    return lambda body: body["models"][name]["loss"].update(figures)


def _without(prefix: str) -> Change:
    """Models of this prefix were not judged."""
    return lambda body: body.update(
        models={name: each for name, each in body["models"].items() if not name.startswith(prefix)}
    )


def _of_no_teacher() -> Change:
    """The teacher was not judged, and losses are told against the float model."""

    def forget(body: dict[str, Any]) -> None:
        del body["models"]["teacher"]
        body["reference"] = "float"

    return forget


def _against(reference: str) -> Change:
    """Losses are told against another model, which has none then."""

    def turn(body: dict[str, Any]) -> None:
        body["models"]["teacher"]["loss"] = body["models"][reference]["loss"]
        body["models"][reference]["loss"] = None
        body["reference"] = reference

    return turn


def _one_class(label: str) -> Change:
    """All rows are of one class, which lost nothing."""
    alone = {"label": label, "rows": 10_000, "lost_rows": 40, "gained_rows": 40}
    return _lost("onnx_int8", classes=[alone], lost_rows=40)


FORGED: dict[str, tuple[str, Change]] = {
    "core_ml_that_was_not_judged": ("the report did not judge coreml_int8", _without("coreml_")),
    "an_onnx_file_that_was_not_judged": ("the report did not judge onnx_fp32", _without("onnx_fp32")),
    "a_model_that_was_not_judged": ("the report did not judge", _without("qat")),
    "a_teacher_that_was_not_judged": ("did not judge it", _of_no_teacher()),
    "a_package_that_does_not_ship": (
        "which is in no artifact",
        lambda body: body["models"].update(coreml_int4=dict(body["models"]["coreml_int8"])),
    ),
    "rows_that_nobody_has": ("the test split has 10000", lambda body: body.update(rows=10**9)),
    "a_quick_look": (
        "says that the test split has 1000000 rows",
        lambda body: body.update(whole_rows=1_000_000),
    ),
    "labels_turned_round": ("are not those of", lambda body: body["labels"].reverse()),
    "another_lineage": (
        "tells another lineage",
        lambda body: [each.update(digest="0" * 64, stage="somewhere") for each in body["lineage"].values()],
    ),
    "another_lineage_of_one": ("tells another lineage", lambda body: body["lineage"].pop("teacher")),
    "a_smaller_file": ("the report weighed onnx_int8 as 1 bytes", _of("onnx_int8", bytes=1)),
    "a_smaller_package": ("the report weighed coreml_int8 as 1 bytes", _of("coreml_int8", bytes=1)),
    "a_better_accuracy": ("its accuracy is 0.99", _of("coreml_int8", accuracy=0.99)),
    "a_worse_accuracy_of_a_rival": ("tfidf: its accuracy is 0,", _of("tfidf", accuracy=0.0)),
    "a_confusion_of_other_rows": (
        "its rows of each class are not those of the reference",
        _of("onnx_int8", confusion=[[8670, 0, 0, 0], [1330, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]),
    ),
    "a_confusion_of_fewer_labels": ("must be of 4 labels", _of("onnx_int8", confusion=[[8670, 1330]])),
    "more_rows_that_lost_nothing": ("its loss has 190000 rows", _lost("onnx_int8", rows=190_000)),
    "nothing_lost": ("its loss has 40 lost_rows", _lost("onnx_int8", lost_rows=40)),
    "one_class_for_all": ("other classes than the labels", _one_class("体育")),
    "a_class_of_their_own": ("other classes than the labels", _one_class("天气")),
    "a_loss_against_the_model_itself": ("losses are told against onnx_int8", _against("onnx_int8")),
    "a_loss_against_a_rival": ("losses are told against tfidf", _against("tfidf")),
    "figures_of_another_form": ("is not what validate writes", lambda body: body.update(labels=None)),
}


register_all(FORGED, _forge)


def _of_stage(bundle: Bundle, stage: str, change: Change) -> None:
    def turn(body: dict[str, Any]) -> bool:
        found = body["made_by"]["stage"] == stage
        if found:
            change(body)
        return found

    rewrite(bundle, turn)


@contradiction("the report is of")
def _a_file_exported_from_the_teacher(bundle, forge):
    teacher = bundle.manifest_of("teacher-train").rpartition("/")[2].removesuffix(".json")
    _of_stage(bundle, "onnx-export", lambda body: body["inputs"].update(model=teacher))


@contradiction("the labels of report/summary.json are not those of onnx")
def _a_file_with_other_labels(bundle, forge):
    _of_stage(bundle, "onnx-export", lambda body: body["meaning"]["labels"].reverse())


@contradiction("and made no such file")
def _a_format_without_a_file(bundle, forge):
    _of_stage(bundle, "onnx-export", lambda body: body["meaning"]["formats"].update(optimized="model.optimized.onnx"))


@contradiction("a quick look releases nothing")
def _a_test_split_of_more_rows(bundle, forge):
    _of_stage(bundle, "tokenize", lambda body: body["meaning"]["splits"].update(test=1_000_000))
