"""Two reports side by side: paired and unpaired, by model and class; refusals, exit codes, terminal and page."""

import json
import re

import numpy as np
import pytest
from scipy.stats import fisher_exact
from sklearn.metrics import f1_score

from potstill.artifacts import TOKENS, seal
from potstill.errors import ArtifactError, InputError, OptionError
from potstill.measure.non_inferiority import loss_at_most, mcnemar_p
from potstill.validate.compare import compare, compare_reports, read_report
from potstill.validate.compare.cells import signed
from potstill.validate.compare.movement import newcombe
from potstill.validate.compare.tables import tables
from potstill.validate.compare.widths import aligned, width
from tests.sealed_reports import LABELS, NOBODY, ROWS, made


def judged(verdict, p50=1.0):
    """Figures beside a report, as written now."""
    latency = {"models": {"onnx_int8": {"p50_ms": p50}}}
    return {"latency": latency, "budgets": [budget(verdict=verdict)], "verdict": verdict}


def budget(name="max_size_mb", *, verdict="pass", value=6.0, limit=20.0, unit="MB", bound="at most", model="onnx_int8"):
    """A judgement, as a report tells it."""
    words = {"wanted": f"{bound} {limit:g} {unit}", "measured": f"{value:g} {unit}"}
    return {"name": name, "model": model, "verdict": verdict, "value": value, "limit": limit, "unit": unit, **words}


def compared(tmp_path, one, other, **second):
    """Two reports that differ in a row, with these judgements beside them."""
    first = made(tmp_path / "one", wrong=range(10), figures={"budgets": one, "verdict": "pass"})
    after = {"wrong": range(9), "figures": {"budgets": other, "verdict": "fail"}, **second}
    return compare(read_report(first), read_report(made(tmp_path / "other", **after)))


@pytest.fixture
def before(tmp_path):
    return made(tmp_path / "a", wrong=range(10))


def test_a_release_that_lost_many_rows_is_worse(before, tmp_path):
    worse = made(tmp_path / "b", wrong=range(5, 40), size=5_000_000)
    told = compare_reports(before, worse)
    found = compare(read_report(before), read_report(worse))
    final = found.movements[0]
    assert told.code == 1
    assert (final.how, final.rows, final.lost, final.gained) == ("paired", ROWS, 30, 5)
    assert final.change == -25 / 200
    assert final.low < final.change < final.high < 0
    assert final.p == mcnemar_p(30, 5)
    assert final.adjusted == final.p  # it is what is asked about
    assert found.movements[1].adjusted > found.movements[1].p  # one of two others
    assert final.lost_at_most == loss_at_most(30, 5, ROWS)
    assert final.agreement == 1 - 35 / 200
    assert {each.label: (each.rows, each.lost, each.gained) for each in final.classes} == {
        "体育": (100, 15, 3),
        "财经": (100, 15, 2),
    }
    assert any("ONNX int8: accuracy −12.50 points" in each for each in found.worse)
    assert any("class 体育" in each for each in found.worse)
    assert next(each for each in found.figures if each.name == "bytes").after == 5_000_000


def test_the_other_way_round_it_is_better(before, tmp_path):
    found = compare(read_report(made(tmp_path / "b", wrong=range(5, 40))), read_report(before))
    assert not found.worse
    assert found.better


def test_a_few_rows_that_moved_are_luck(before, tmp_path):
    told = compare_reports(before, made(tmp_path / "b", wrong=range(3, 14)))
    assert told.code == 0
    assert "nothing is significantly worse, at 95 %" in told.lines


def test_newly_wrong_rows_are_told_the_surest_first_with_their_texts(before, tmp_path):
    worse = made(tmp_path / "b", wrong=range(5, 40))
    rows = compare(read_report(before), read_report(worse)).newly_wrong
    assert rows[0].row_id == "row39"
    assert (rows[0].truth, rows[0].predicted) == ("财经", "体育")
    assert [each.before for each in rows] == sorted((each.before for each in rows), reverse=True)
    back = compare(read_report(worse), read_report(before)).newly_wrong
    assert [each.text for each in back if each.row_id == "row1"] == ["国足\n一比零"]
    assert any("国足\\n一比零" in line for line in compare_reports(worse, before).lines)


def test_final_models_of_other_names_are_compared(before, tmp_path):
    other = made(tmp_path / "b", wrong=range(10), final="coreml_int8")
    found = compare(read_report(before), read_report(other))
    assert (found.movements[0].one, found.movements[0].other) == ("onnx_int8", "coreml_int8")
    assert any("only in A" in note and "ONNX int8" in note for note in found.notes)


def test_rows_in_part_the_same_are_compared_on_those_in_any_order(before, tmp_path):
    ids = [f"row{place}" for place in range(299, 99, -1)]
    found = compare(
        read_report(before), read_report(made(tmp_path / "b", wrong=(), ids=ids, truth=np.arange(299, 99, -1) % 2))
    )
    assert (found.movements[0].how, found.movements[0].rows) == ("paired", 100)
    assert any("the 100 rows that both judged, of 200 and 200" in note for note in found.notes)


def test_rows_with_another_label_are_left_out(before, tmp_path):
    truth = np.arange(ROWS) % 2
    truth[:7] = 1 - truth[:7]
    found = compare(read_report(before), read_report(made(tmp_path / "b", wrong=(), truth=truth)))
    assert found.movements[0].rows == 193
    assert any("7 rows have another true label" in note for note in found.notes)


def test_other_rows_are_compared_by_their_accuracy(before, tmp_path):
    other = made(tmp_path / "b", wrong=range(60), ids=[f"new{place}" for place in range(ROWS)])
    found = compare(read_report(before), read_report(other))
    final = found.movements[0]
    assert (final.how, final.lost, final.agreement, final.classes) == ("unpaired", None, None, ())
    assert final.p == fisher_exact([[190, 10], [140, 60]]).pvalue
    assert final.low < -0.25 < final.high
    assert any("unpaired" in note for note in found.notes)
    assert compare_reports(before, other).code == 1


def test_the_interval_of_unpaired_shares_is_that_of_the_paper():
    low, high = newcombe((56, 70), (48, 80), 0.95)  # Newcombe 1998, table II, example (a)
    assert (round(low, 4), round(high, 4)) == (0.0524, 0.3339)


def test_a_budget_that_is_no_longer_met_is_worse(tmp_path):
    first = made(tmp_path / "a", wrong=range(10), figures=judged("pass"))
    second = made(tmp_path / "b", wrong=range(9), figures=judged("fail", 2.0))
    found = compare(read_report(first), read_report(second))
    assert found.worse == ("max_size_mb of ONNX int8: pass → fail (6.000 MB; at most 20 MB)",)
    assert ("p50_ms", 1.0, 2.0) in {(each.name, each.before, each.after) for each in found.costs}
    assert compare_reports(first, second).code == 1


def test_figures_of_another_report_are_not_taken(before, tmp_path):
    (tmp_path / "a.json").write_text(json.dumps({**judged("pass"), "report": "0" * 64}), encoding="utf-8")
    assert read_report(before).figures == {}
    assert "no figures beside A" in compare(read_report(before), read_report(before)).notes[0]


def test_what_they_were_made_of_is_told(before, tmp_path):
    found = compare(read_report(before), read_report(made(tmp_path / "b", wrong=(), final="coreml_int8")))
    assert ("final model", "ONNX int8", "Core ML int8") in {(e.name, e.before, e.after) for e in found.origins}


def test_the_same_report_twice_is_identical(before, tmp_path):
    told = compare_reports(before, before, html=tmp_path / "page.html")
    assert told.code == 0
    assert "identical: the same report twice; every label is the same" in told.lines
    assert "Identical" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_a_finished_run_is_read_by_its_report(tmp_path):
    made(tmp_path / "run" / "report", wrong=())
    assert read_report(tmp_path / "run").artifact.path == tmp_path / "run" / "report"


def test_what_is_no_report_is_refused(before, tmp_path):
    (tmp_path / "empty").mkdir()
    for path, why in ((tmp_path / "absent", "does not exist"), (tmp_path / "empty", r"has no artifact\.json")):
        with pytest.raises(ArtifactError, match=why):
            compare_reports(before, path)
    (tmp_path / "tokens").mkdir()
    seal(tmp_path / "tokens", TOKENS, NOBODY, {}, {})
    with pytest.raises(ArtifactError, match=r"holds tokens/v1; wanted is report/v1"):
        compare_reports(before, tmp_path / "tokens")


def test_a_report_that_was_changed_is_refused(before, tmp_path):
    other = made(tmp_path / "b", wrong=())
    (other / "summary.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ArtifactError, match=r"changed summary\.json"):
        compare_reports(before, other)


def test_other_labels_are_refused(before, tmp_path):
    other = made(tmp_path / "b", wrong=(), labels=["体育", "科技"])
    with pytest.raises(InputError, match=r"only .*a has 财经; only .*b has 科技"):
        compare_reports(before, other)


def test_labels_in_another_order_are_the_same_labels(before, tmp_path):
    other = made(tmp_path / "b", wrong=range(10), labels=LABELS[::-1], truth=1 - np.arange(ROWS) % 2)
    final = compare(read_report(before), read_report(other)).movements[0]
    assert (final.rows, final.agreement) == (ROWS, 1)


@pytest.mark.parametrize("confidence", [0.1, 1.0])
def test_a_confidence_out_of_range_is_refused(before, confidence):
    with pytest.raises(OptionError, match="confidence should be in"):
        compare_reports(before, before, confidence=confidence)


def test_json_tells_all_of_it(before, tmp_path):
    told = compare_reports(before, made(tmp_path / "b", wrong=range(5, 40)), json=True)
    found = json.loads("\n".join(told.lines))
    assert found["movements"][0]["lost"] == 30
    assert found["worse"]


def test_the_page_needs_nothing_else_and_writes_texts_as_texts(before, tmp_path):
    labels = ["<script>", "财经"]
    first = made(tmp_path / "c", wrong=(), labels=labels)
    page = tmp_path / "page.html"
    compare_reports(first, made(tmp_path / "d", wrong=range(40), labels=labels), html=page)
    text = page.read_text(encoding="utf-8")
    assert "&lt;script&gt;" in text
    assert "<script" not in text
    assert not re.search(r'(?:src|href)="(?!#|data:)', text)
    assert "prefers-color-scheme: dark" in text
    compare_reports(first, before.parent / "d", html=page)  # a page of ours may be replaced
    for path in (first / "page.html", tmp_path / "own.html"):
        (tmp_path / "own.html").write_text("mine", encoding="utf-8")
        with pytest.raises(ArtifactError, match="html"):
            compare_reports(first, before.parent / "d", html=path)


def test_columns_stand_straight_where_characters_are_wide():
    lines = aligned([["体育", "1"], ["a", "10"], ["é\u0301", "2"]])
    assert lines == ["体育   1", "a     10", "é\u0301      2"]
    assert len({width(line) for line in lines}) == 1


def test_a_tighter_limit_makes_no_release_worse(tmp_path):
    found = compared(tmp_path, [budget()], [budget(verdict="fail", limit=3.0)])
    assert found.worse == ()
    assert (found.budgets[0].by_first_limit, found.budgets[0].other_limit) == (True, True)
    assert any("the limits differ: max_size_mb at most 20 MB → 3 MB" in note for note in found.notes)
    table = next(each for each in tables(found) if each.title == "budgets that differ")
    cells = ["max_size_mb", "ONNX int8", "at most 20 MB → 3 MB", "6.000 MB", "6.000 MB", "pass → fail", "met"]
    assert table.rows == [cells]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (budget(), budget(value=30.0, limit=50.0)),
        (
            budget("min_agreement", value=0.99, limit=0.95, unit="share", bound="at least"),
            budget("min_agreement", value=0.9, limit=0.8, unit="share", bound="at least"),
        ),
    ],
)
def test_a_looser_limit_hides_no_loss(tmp_path, one, other):
    [line] = compared(tmp_path, [one], [other]).worse
    assert line.startswith(f"{one['name']} of ONNX int8")
    assert "beyond A's limit" in line


def test_what_a_looser_limit_lets_pass_is_not_better(tmp_path):
    found = compared(tmp_path, [budget(verdict="fail", limit=5.0)], [budget(limit=50.0)])
    assert (found.worse, found.better) == ((), ())
    assert found.budgets[0].by_first_limit is False


def test_a_budget_newly_met_is_better(tmp_path):
    found = compared(tmp_path, [budget(verdict="fail", value=30.0)], [budget()])
    assert found.better == ("max_size_mb of ONNX int8: fail → pass (30.000 MB → 6.000 MB; at most 20 MB)",)


def test_a_class_bound_is_not_held_against_another_limit(tmp_path):
    one, other = (budget("max_class_loss", unit="points", value=4.0, limit=limit) for limit in (5.0, 6.0))
    found = compared(tmp_path, [one], [other])
    assert found.budgets[0].by_first_limit is None
    assert "B cannot be judged by A's limit: max_class_loss" in found.notes


def test_another_rival_is_no_other_limit(tmp_path):
    one, other = (budget("beat_tfidf", unit="share", value=0.9, limit=limit, bound="more than") for limit in (0.7, 0.8))
    found = compared(tmp_path, [one], [{**other, "verdict": "fail"}])
    assert not found.budgets[0].other_limit
    assert found.worse[0].startswith("beat_tfidf of ONNX int8: pass → fail")


def test_budgets_of_one_side_are_named(tmp_path):
    found = compared(tmp_path, [budget(), budget("max_ece")], [budget(), budget("min_accuracy", model="model")])
    assert "budgets that only A has: max_ece (ONNX int8)" in found.notes
    assert "budgets that only B has: min_accuracy (Model)" in found.notes


def test_budgets_of_final_models_of_other_names_are_held_against_each_other(tmp_path):
    later = budget(verdict="fail", value=30.0, model="coreml_int8")
    assert compared(tmp_path, [budget()], [later], final="coreml_int8").worse == (
        "max_size_mb of ONNX int8 → Core ML int8: pass → fail (6.000 MB → 30.000 MB; at most 20 MB)",
    )


def test_a_device_is_held_against_itself(tmp_path):
    phone = {**budget("max_latency_p95_ms", value=9.0, unit="ms"), "measured": "9.00 ms on Pixel 4"}
    here = {**budget("max_latency_p95_ms", value=1.0, unit="ms"), "measured": "1.00 ms on this machine"}
    found = compared(tmp_path, [here, phone], [phone, {**here, "measured": "1.00 ms"}])
    assert [(each.where, each.differs) for each in found.budgets] == [("", False), ("Pixel 4", False)]


@pytest.mark.parametrize(("rows", "worse"), [(100, 0), (ROWS, 1)])
def test_a_bound_that_fewer_rows_widen_is_no_loss(tmp_path, rows, worse):
    one = budget("max_accuracy_loss", unit="points", value=1.0, limit=2.0)
    other = {**one, "verdict": "inconclusive", "value": 3.0}
    found = compared(tmp_path, [one], [other], ids=[f"row{place}" for place in range(rows)])
    assert len(found.worse) == worse
    assert any("not counted as worse" in note for note in found.notes) == (not worse)


def test_figures_of_other_rows_are_not_put_side_by_side(before, tmp_path):
    half = made(tmp_path / "b", wrong=range(3), ids=[f"row{place}" for place in range(100)])
    found = compare(read_report(before), read_report(half))
    told = {(each.name, each.one): (each.before, each.after) for each in found.figures}
    assert {name for name, _ in told} == {"macro_f1", "bytes"}
    truth, predicted = np.arange(100) % 2, np.where(np.arange(100) < 10, 1 - np.arange(100) % 2, np.arange(100) % 2)
    assert told["macro_f1", "onnx_int8"][0] == f1_score(truth, predicted, average="macro")
    assert ("macro_f1", "control") not in told
    assert any("ECE, Brier and [UNK] are left out" in note for note in found.notes)
    assert any("robustness is left out" in note for note in found.notes)


def test_robustness_is_compared_where_as_many_rows_were_disturbed(before, tmp_path):
    alike, fewer = (made(tmp_path / f"b{rows}", wrong=range(9), disturbed=rows) for rows in (ROWS, 50))
    names = [{each.name for each in compare(read_report(before), read_report(b)).figures} for b in (alike, fewer)]
    assert names[0] - names[1] == {"accuracy, Full width"}
    assert "accuracy" not in names[0]


def test_times_stand_in_a_table_of_their_own(tmp_path):
    first = made(tmp_path / "a", wrong=range(10), figures=judged("pass"))
    found = compare(read_report(first), read_report(made(tmp_path / "b", wrong=range(9), figures=judged("pass", 2.5))))
    table = next(each for each in tables(found) if each.title.startswith("times and memory, measured once each"))
    assert table.rows == [["p50, ms", "ONNX int8", "1.00", "2.50", "+150"]]
    assert (found.worse, found.better) == ((), ())


def test_signs_are_those_of_the_report(before, tmp_path):
    text = "\n".join(compare_reports(before, made(tmp_path / "b", wrong=range(5, 40))).lines)
    assert "−12.50" in text
    assert not re.search(r"\+0\.00\b|(?<![\w-])-\d", text.split("made of something else")[0])
    same = "\n".join(compare_reports(before, made(tmp_path / "c", wrong=range(10), size=1)).lines)
    assert "+0.00" not in same
    assert [signed(each) for each in ("0.00", "−0.00", "0.10", "−0.10")] == ["0.00", "0.00", "+0.10", "−0.10"]


def test_identical_labels_are_told_where_the_bytes_differ(before, tmp_path):
    lines = list(compare_reports(before, made(tmp_path / "b", wrong=range(10), size=1)).lines)
    assert "every label is the same: 2 models compared on 200 rows" in lines


def test_the_same_report_with_other_figures_beside_it_is_told(tmp_path):
    first, second = (made(tmp_path / name, wrong=(), figures=judged("pass", p50)) for name, p50 in (("a", 1), ("b", 2)))
    found = compare(read_report(first), read_report(second))
    assert found.identical
    assert [each.name for each in found.costs if each.before != each.after] == ["p50_ms"]
    assert compare_reports(first, second).code == 0


def test_a_quick_look_is_told(before, tmp_path):
    lines = list(compare_reports(before, made(tmp_path / "b", wrong=range(9), whole_rows=10_125)).lines)
    assert "B is a quick look: 200 of the 10,125 rows of its test split were judged" in lines
    assert not any("A is a quick look" in line for line in lines)


def test_how_many_are_worse_better_and_neither_is_told(before, tmp_path):
    lines = list(compare_reports(before, made(tmp_path / "b", wrong=range(5, 40))).lines)
    assert "3 models: 3 significantly worse, 0 better, 0 neither, at 95 %" in lines


def test_a_folder_that_is_not_there_is_not_made(before, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    for parent in (tmp_path / "none", tmp_path / "file"):
        with pytest.raises(ArtifactError, match="is no folder"):
            compare_reports(before, before, html=parent / "page.html")
    assert not (tmp_path / "none").exists()


def test_the_page_tells_no_path(before, tmp_path):
    page = tmp_path / "page.html"
    compare_reports(before, made(tmp_path / "b", wrong=range(5, 40)), html=page)
    text = page.read_text(encoding="utf-8")
    assert str(tmp_path) not in text
    assert "A: a <code>" in text
    assert '<th scope="row">ONNX int8</th>' in text


def test_verdicts_that_differ_are_told_first(tmp_path):
    assert "verdict: pass → fail, each by its own budgets" in compared(tmp_path, [budget()], [budget()]).remarks
