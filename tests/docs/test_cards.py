"""What the cards and pages show is run: every Python block, and every `potstill …` command."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from potstill.cli import main
from potstill.commands import STAGES
from potstill.coreml_export import CoremlExportConfig, export_coreml
from potstill.onnx_export import OnnxExportConfig, export_onnx
from tests.released import make_lineage, release_run

ROOT = Path(__file__).parents[2]
TRAIN_JOB = ROOT / "components" / "potstill" / "train_job" / "README.md"
CARDS = [ROOT / "components" / "potstill" / stage.replace("-", "_") / "README.md" for stage in STAGES] + [TRAIN_JOB]
PAGES = [ROOT / "README.md", ROOT / "README.zh.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(python|sh)\n(.*?)^```", re.DOTALL | re.MULTILINE)
NEEDS_A_CLUSTER = ("kfp.Client", "load_component_from_file")
NEEDS_THE_NETWORK = ("--source google-bert", "headlines.csv")


@pytest.fixture(scope="session")
def runs(tmp_path_factory, tiny_tokens, tiny_checkpoint, pruned_checkpoint, quantized_checkpoint, teacher_outputs):
    """The folders that the cards speak of, tiny."""
    folder = tmp_path_factory.mktemp("cards") / "runs"
    shutil.copytree(tiny_tokens, folder / "tokens")
    for name in ("start", "teacher", "student"):
        shutil.copytree(tiny_checkpoint, folder / name)
    shutil.copytree(pruned_checkpoint, folder / "pruned")
    for name, outputs in zip(("teacher-outputs", "teacher-outputs-2"), teacher_outputs, strict=True):
        shutil.copytree(outputs, folder / name)
    shutil.copytree(quantized_checkpoint, folder / "qat")
    lenient = {"minimum_agreement": 0.0}
    export_onnx(folder / "qat", folder / "tokens", folder / "onnx", OnnxExportConfig(**lenient))
    export_coreml(folder / "qat", folder / "tokens", folder / "package", CoremlExportConfig())
    release_run(make_lineage(folder / "headlines"), folder / "released")
    return folder


def blocks(page):
    return BLOCK.findall(page.read_text(encoding="utf-8"))


@pytest.mark.slow
@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.parent.name)
def test_a_card_runs(card, runs, tmp_path, monkeypatch):
    shutil.copytree(runs, tmp_path / "runs")
    monkeypatch.chdir(tmp_path)
    ran = [run_block(language, text) for language, text in blocks(card)]
    assert any(ran)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_page_runs(page, runs, tmp_path, monkeypatch):
    shutil.copytree(runs, tmp_path / "runs")
    monkeypatch.chdir(tmp_path)
    for language, text in blocks(page):
        run_block(language, text)


def run_block(language, text):
    """Run a block; → whether anything of it was run."""
    if language == "python":
        code = compile(text, "block", "exec")
        if not any(word in text for word in NEEDS_A_CLUSTER):
            exec(code, {"__name__": "block"})
        return True
    commands = [line for line in text.replace("\\\n", " ").splitlines() if line.startswith("potstill ")]
    for command in commands:
        if not any(word in command for word in NEEDS_THE_NETWORK):
            assert main(shlex.split(command, comments=True)[1:]) == 0, command
    return bool(commands)


@pytest.mark.parametrize("page", [*CARDS, *PAGES], ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page):
    links = re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8"))
    lost = [link for link in links if not link.startswith("http") and not (page.parent / link).exists()]
    assert lost == []


@pytest.mark.parametrize("stage", STAGES)
def test_the_card_lists_every_option_with_its_default(stage):
    import dataclasses
    from importlib import import_module

    module = import_module(STAGES[stage][0])
    config = getattr(module, next(name for name in module.__all__ if name.endswith("Config")))
    card = (ROOT / "components" / "potstill" / stage.replace("-", "_") / "README.md").read_text(encoding="utf-8")
    rows = {row.split("`")[1]: row.split("|")[2].strip(" `") for row in card.splitlines() if row.startswith("| `--")}
    wanted = {f"--{field.name.replace('_', '-')}": field.default for field in dataclasses.fields(config)}
    assert set(wanted) - set(rows) == set()
    for name, default in wanted.items():
        if isinstance(default, float | int) and not isinstance(default, bool):
            assert float(rows[name].replace("all", "0").replace("none", "0")) == default, name


def test_the_two_readmes_are_equal_in_shape():
    english, chinese = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh.md"))
    for pattern in (r"^#+ ", r"^\* ", r"^\| ", r"\]\([^)]+\)"):
        assert len(re.findall(pattern, english, re.MULTILINE)) == len(re.findall(pattern, chinese, re.MULTILINE))
    printed = re.compile(r"^```\n(RESEARCH.*?)^```", re.DOTALL | re.MULTILINE)
    assert printed.findall(english) == printed.findall(chinese) != []
