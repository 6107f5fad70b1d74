"""Papers that another potstill made: both are named first, and which of them to use."""

import json
import shutil

import pytest

import potstill
from potstill.artifacts import MANIFEST
from potstill.errors import ArtifactError
from potstill.evidence.layout import BOM
from potstill.evidence.papers import refuse_other_papers
from potstill.evidence.potstills import made_elsewhere
from potstill.evidence.whole import evidence_of
from potstill.signing.trust import read_trusted
from potstill.verify.proving import verify_bundle
from tests.signed import make_bundle

OLD, NEW = "c0ffee" * 6, "beef" * 10


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_bundle(tmp_path_factory.mktemp("potstills"))


@pytest.fixture
def bundle(made, tmp_path):
    return shutil.copytree(made[0], tmp_path / "copy")


def made_by(folder, **changed):
    seal = json.loads((folder / MANIFEST).read_bytes())
    seal["made_by"].update(changed)
    (folder / MANIFEST).write_text(json.dumps(seal))


@pytest.mark.parametrize(
    ("made", "here", "told"),
    [
        (("9.9.9", OLD), "", f"made by potstill 9.9.9, revision {OLD}, this is potstill {{}}: use that one"),
        ((potstill.__version__, OLD), NEW, f"revision {OLD}, this is potstill {{}}, revision {NEW}: use that one"),
        ((potstill.__version__, OLD), OLD, f"revision {OLD}, this is potstill {{}}, revision {OLD}"),
        ((potstill.__version__, OLD), "", f"revision {OLD}, this is potstill {{}}"),
        ((potstill.__version__, ""), NEW, f"made by potstill {{}}, this is potstill {{}}, revision {NEW}"),
    ],
)
def test_both_are_named_and_the_other_one_is_advised_where_it_is_known_to_be_another(
    made, here, told, tmp_path, monkeypatch
):
    monkeypatch.setenv("POTSTILL_REVISION", here)
    (tmp_path / MANIFEST).write_text(json.dumps({"made_by": {"potstill": made[0], "revision": made[1]}}))
    assert made_elsewhere(tmp_path).endswith(told.replace("{}", potstill.__version__))


@pytest.mark.parametrize("seal", [None, "", "[]", '{"made_by": 3}', '{"made_by": {}}'])
def test_a_seal_that_tells_nothing_advises_nothing(seal, tmp_path):
    if seal is not None:
        (tmp_path / MANIFEST).write_text(seal)
    assert made_elsewhere(tmp_path).startswith("made by the potstill that made it, this is potstill ")
    assert "use that one" not in made_elsewhere(tmp_path)


def test_verify_names_both_before_it_says_what_differs(made, bundle):
    made_by(bundle, potstill="9.9.9")
    statement = next((bundle / "evidence" / "statements").glob("*-tokenize.json"))
    for each in (bundle / BOM, statement):
        each.write_bytes(each.read_bytes() + b"\n")
    proof = verify_bundle(bundle, read_trusted([made[1]]))
    wrong = [line for each in proof.findings for line in each.wrong if "what follows from the manifests" in line]
    assert len(wrong) >= 2
    first = [line for line in wrong if line.startswith("made by potstill 9.9.9")]
    assert any(f": use that one; {BOM} is not what follows" in line for line in first)
    assert any(f"; evidence/statements/{statement.name} is not what follows" in line for line in first)


def test_a_refusal_names_both_first(bundle):
    made_by(bundle, potstill="9.9.9")
    evidence = evidence_of(bundle)
    (bundle / BOM).write_bytes(b"{}")
    with pytest.raises(ArtifactError, match=rf"^made by potstill 9\.9\.9.*: use that one; .*changed {BOM}"):
        refuse_other_papers(evidence)
