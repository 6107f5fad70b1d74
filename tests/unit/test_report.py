"""The report as text: what it says first, what it escapes, and that it needs nothing but itself."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from potstill.validate.report import MARK, TITLE, write_markdown, write_page
from potstill.validate.report.agreement import depth, least_agreement
from potstill.validate.report.texts import language, visible
from potstill.validate.report.unmeasured import unmeasured
from potstill.validate.report.verdict import ordered, tiles, why
from tests.report_figures import report_figures
from tests.reports import EVIL, hostile, of_many_classes, smallest

VOID = {"meta", "br", "path"}  # what is never closed
JUDGED = {"model": "onnx_int8", "value": 1.0, "limit": 1.0, "unit": "MB", "detail": "", "advice": ""}


def budget(name, verdict, **changed):
    return {**JUDGED, "name": name, "verdict": verdict, "wanted": "at most 1 MB", "measured": "1 MB", **changed}


def judged(*budgets, verdict="pass"):
    return {**report_figures(), "budgets": list(budgets), "verdict": verdict, "failures": []}


def page_of(figures, folder: Path) -> str:
    write_page(folder / "page.html", figures)
    return (folder / "page.html").read_text(encoding="utf-8")


class Reading(HTMLParser):
    """Collects what a browser would fetch or run, and what is left open."""

    def __init__(self, text):
        super().__init__()
        self.loads, self.open, self.ids = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.loads += [tag] if tag in {"script", "link", "iframe", "img", "object", "embed"} else []
        wanted = [(tag, value) for name, value in attrs if name in {"src", "href", "xlink:href", "srcset"}]
        self.loads += [each for each in wanted if not each[1].startswith(("#", "data:image/png;base64,"))]
        self.loads += [name for name, _ in attrs if name.startswith("on")]
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, _tag, attrs):
        self.ids += [value for name, value in attrs if name == "id"]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize("figures", [judged(), smallest(), hostile(), {**of_many_classes(30), **judged()}])
def test_page_is_whole_and_needs_nothing(tmp_path, figures):
    text = page_of(figures, tmp_path)
    read = Reading(text)
    assert read.loads == []
    assert read.open == []
    assert len(read.ids) == len(set(read.ids))
    assert not re.search(r"@import|url\((?!#)", text)
    assert "default-src &#39;none&#39;" in text
    assert TITLE in text


def test_same_figures_give_the_same_bytes(tmp_path):
    (tmp_path / "again").mkdir()
    assert page_of(hostile(), tmp_path) == page_of(hostile(), tmp_path / "again")


def test_research_only_and_the_verdict_come_first(tmp_path):
    figures = judged(budget("max_size_mb", "pass"))
    figures["licence"] = {"expression": "LicenseRef-m3e", "use": "research-only"}
    body = page_of(figures, tmp_path).partition("<main")[2]
    places = [body.index(each) for each in ("RESEARCH ONLY", "<h1>", "Verdict: PASS", 'class="tiles"', "<section")]
    assert places == sorted(places)


def test_what_data_brings_is_escaped(tmp_path):
    text = page_of(hostile(), tmp_path)
    assert "<b class=evil>" not in text
    assert "<script" not in text
    assert "&lt;b class=evil&gt;" in text
    assert "$x^2$ costs $5" in text


def test_each_kind_of_section_is_there(tmp_path):
    text = page_of(judged(), tmp_path)
    for anchor in ("budgets", "models", "cost", "speed", "classes", "calibration", "robustness", "agreement", "worst"):
        assert f'<section id="{anchor}"' in text
    for anchor in ("training", "lineage", "limits"):
        assert f'<section id="{anchor}"' in text


def test_a_report_of_little_leaves_out_what_it_has_not(tmp_path):
    text = page_of(smallest(), tmp_path)
    for anchor in ("cost", "speed", "calibration", "robustness", "agreement", "worst", "training", "pruning", "int8"):
        assert f'<section id="{anchor}"' not in text
    assert "Nothing was asked: no budget was set." in text
    assert "Not given, so not compared" in text


def test_more_classes_than_a_table_holds_become_a_picture(tmp_path):
    few, many = (
        page_of({**judged(), **of_many_classes(20)}, tmp_path),
        page_of({**judged(), **of_many_classes(21)}, tmp_path),
    )
    assert 'id="confusion"' in few
    assert "data:image/png" not in few
    assert 'id="confusion-picture"' in many
    assert "The other 1 classes" in many


def test_failed_budgets_come_first_then_the_undecided():
    names = [budget("a", "pass"), budget("b", "inconclusive"), budget("c", "fail"), budget("d", "fail")]
    assert [each["name"] for each in ordered(names)] == ["c", "d", "b", "a"]


def test_of_many_budgets_those_that_are_met_are_folded(tmp_path):
    passes = [budget(f"met_{place}", "pass") for place in range(12)]
    text = page_of(judged(*passes, budget("max_size_mb", "fail", advice="Prune more"), verdict="fail"), tmp_path)
    told = text[text.index('<section id="budgets"') : text.index('<section id="models"')]
    assert told.index("Prune more") < told.index("<details>") < told.index("met_0")
    assert "12 of 13 checks are met" in told
    assert "<details>" not in page_of(judged(*passes), tmp_path).partition('<section id="models"')[0]


def test_the_verdict_says_why():
    assert why(judged()) == "Nothing was asked: no budget was set."
    assert why(judged(budget("a", "pass"), budget("b", "pass"))) == "All 2 budgets are met."
    failed = why(judged(budget("a", "pass"), budget("b", "fail"), verdict="fail"))
    assert failed == "1 of 2 budgets is not met: b of ONNX int8 (1 MB; wanted at most 1 MB)."
    undecided = why(judged(budget("a", "pass"), budget("b", "inconclusive"), verdict="inconclusive"))
    assert undecided.startswith("No budget is missed, but 1 of 2 budgets cannot be decided: b of")
    many = why(judged(*(budget(f"b{place}", "fail") for place in range(5)), verdict="fail"))
    assert many.startswith("5 of 5 budgets are not met: ")
    assert many.endswith("; and 2 more.")


def test_a_check_is_a_budget_held_against_a_model():
    checks = [budget(name, "pass", model=model) for name in "ab" for model in ("onnx_int8", "student", "pruned")]
    assert why(judged(*checks)) == "All 2 budgets are met, in 6 checks of 3 models."
    wanting = budget("a", "inconclusive", model="student", detail="against Teacher; 1,500 rows would decide")
    undecided = why(judged(*checks, wanting, verdict="inconclusive"))
    assert "1 of 2 budgets (1 of 7 checks) cannot be decided: a of Student (" in undecided
    assert undecided.endswith("wanted at most 1 MB; 1,500 rows would decide).")
    failed = why(judged(*checks, wanting, budget("b", "fail"), verdict="fail"))
    assert failed.startswith("1 of 2 budgets (1 of 8 checks) is not met: b of ONNX int8 (")
    assert failed.endswith(" 1 more is inconclusive.")


@pytest.mark.parametrize(("whole", "quick"), [(10_000, False), (20_000, True)])
def test_a_quick_look_is_no_release_verdict(tmp_path, whole, quick):
    figures = {**judged(budget("a", "pass")), "whole_rows": whole}
    said = "A quick look at 10,000 of 20,000 test rows: no release verdict."
    text = page_of(figures, tmp_path)
    assert text.count(said) == (2 if quick else 0)
    assert ("Every format on the whole test split" in text) is not quick
    write_markdown(tmp_path / "report.md", figures)
    assert (said in (tmp_path / "report.md").read_text(encoding="utf-8")) is quick


def test_what_was_left_out_is_named():
    said = unmeasured(report_figures())
    assert any(line.startswith("Not asked about disturbed text: Majority class, ") for line in said)
    assert any("Neither timed nor measured in memory" in line and "Core ML int8" in line for line in said)


def test_text_of_the_data_can_be_seen_and_ends(tmp_path):
    assert [visible(each) for each in ("", " ", "快\u200b讯", "👩\u200d🚀")] == [
        "⟨empty⟩",
        "⟨empty⟩",
        "快<U+200B>讯",
        "👩\u200d🚀",
    ]
    assert [language(each) for each in ("快讯", "ニュース速報", "뉴스", "news")] == ["zh", "ja", "ko", ""]
    figures = judged()
    figures["worst"]["onnx_int8"][0]["text"] = "字" * 5000
    text = page_of(figures, tmp_path)
    assert f'lang="zh">{"字" * 300}…</span><details class="whole"><summary>the whole, 5,000 characters' in text


def test_the_manifest_tells_who_made_it(tmp_path):
    made = {"potstill": "0.1.0", "source": "cd" * 32, "libraries": {"torch": "2.13.0"}, "processor": {"isa": "AVX2"}}
    text = page_of({**judged(), "made_by": made}, tmp_path)
    for each in ("cd" * 32, "torch 2.13.0", "AVX2", "None is kept"):
        assert each in text
    assert "<h3>Made by</h3>" not in page_of(judged(), tmp_path)


def test_notes_speak_of_the_columns_of_the_page(tmp_path):
    told = page_of(judged(), tmp_path)
    assert "lost ≤" not in told
    assert "= teacher" not in told


def test_agreement_is_told_apart_among_trained_models():
    names, matrix = ["tfidf", "teacher", "student"], [[1, 0.5, 0.5], [0.5, 1, 0.92], [0.5, 0.92, 1]]
    least = least_agreement({"names": names, "matrix": matrix})
    assert least == 0.92
    assert [round(depth(each, least), 2) for each in (1.0, 0.994, 0.92, 0.5)] == [0.0, 0.14, 0.5, 0.5]


def test_tiles_tell_only_what_was_measured():
    assert [each.name for each in tiles(report_figures())] == [
        *("Accuracy", "Lost at most", "Size", "Latency", "Agreement", "Memory")
    ]
    assert [each.name for each in tiles(smallest())] == ["Accuracy"]


def test_markdown_tells_the_budgets_and_ends_with_its_mark(tmp_path):
    figures = judged(budget("max_size_mb", "fail", advice="Prune | more", detail=EVIL[0]), verdict="fail")
    write_markdown(tmp_path / "report.md", figures)
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "## Verdict: FAIL" in text
    assert "| **fail** | max_size_mb |" in text
    assert "Prune \\| more" in text
    assert "<script" not in text
    assert text.endswith(MARK)
