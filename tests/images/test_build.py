"""What is in an image, what is not, how large it is, and that building it twice gives one digest."""

import json
import re
import shutil
import subprocess

import pytest

import potstill
from images.build import build
from images.families import STAGES
from potstill.images import development_tag
from tests.docker_engine import require_image
from tests.launcher.pod import run_pod

pytestmark = pytest.mark.docker
MEGABYTE = 1_000_000
LARGEST = {"tokenize": 350, "train-job": 350, "coreml-export": 1600, "validate": 1600}  # MB; of all others 1300
LOOK = """
import importlib.util, json, os, shutil, sys
found = {"dated": [], "caches": [], "tests": [], "headers": []}
for folder, folders, files in os.walk("/opt"):
    found["tests"] += [os.path.join(folder, each) for each in folders if each in ("test", "tests")]
    found["headers"] += [os.path.join(folder, each) for each in files if each.endswith((".h", ".hpp", ".a"))]
    for each in files:
        if each.endswith(".pyc"):
            with open(os.path.join(folder, each), "rb") as file:
                if file.read(8)[4:] != b"\\1\\0\\0\\0":  # PEP 552: by a hash that nobody checks
                    found["dated"].append(os.path.join(folder, each))
    found["caches"] += [os.path.join(folder, each) for each in folders if each == ".cache"]
found["installer"] = [each for each in ("pip", "ensurepip", "wheel") if importlib.util.find_spec(each)]
found["programs"] = [each for each in ("pip", "pip3", "gcc", "cc", "g++", "ld", "make", "git") if shutil.which(each)]
found["packages"] = [each for each in os.listdir("/var/cache/apt/archives") if each.endswith(".deb")]
found["python"] = sys.prefix
found["commands"] = [each for each in os.listdir("/opt/potstill/bin") if not each.startswith(("potstill", "python"))]
walked = [os.path.join(folder, each) for folder, _, files in os.walk("/usr") for each in files]
found["lent"] = [each for each in walked if not os.path.islink(each) and os.stat(each).st_mode & 0o6000]
print(json.dumps(found))
"""


def inspected(image):
    told = subprocess.run(["docker", "image", "inspect", image], capture_output=True, text=True, check=True)
    return json.loads(told.stdout)[0]


@pytest.mark.parametrize("stage", STAGES)
def test_an_image_says_what_it_is(stage):
    facts = inspected(require_image(stage))
    labels = facts["Config"]["Labels"]
    assert labels["org.opencontainers.image.title"] == f"potstill/{stage}"
    assert labels["org.opencontainers.image.version"] == potstill.__version__
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert re.fullmatch(r"[0-9a-f]{40}", labels["org.opencontainers.image.revision"])
    assert facts["Config"]["User"] == "65532:0"
    assert facts["Config"]["Entrypoint"] is None  # KFP's DockerRunner would put it before a step's command
    assert facts["Created"].startswith("1970-01-01")


@pytest.mark.parametrize("stage", STAGES)
def test_an_image_is_as_small_as_it_must_be(stage):
    assert inspected(require_image(stage))["Size"] <= LARGEST.get(stage, 1300) * MEGABYTE


@pytest.mark.parametrize("stage", ["tokenize", "prune", "onnx-export", "coreml-export", "validate", "train-job"])
def test_an_image_holds_no_installer_no_compiler_and_no_cache(stage):
    ended = run_pod(require_image(stage), ["python3", "-c", LOOK])
    assert ended.code == 0, ended.log
    found = json.loads(ended.log)
    assert set(found.pop("commands")) <= {"torchrun"}
    assert found.pop("python") == "/opt/potstill"
    assert {name: each for name, each in found.items() if each} == {}


def test_an_image_cannot_name_its_own_digest():
    where = "import potstill.images as it; print(it.RELEASE_LOCK.is_file(), it.image_for('prune'))"
    ended = run_pod(require_image("tokenize"), ["python3", "-c", where])
    assert ended.log.split() == ["False", development_tag("prune")]


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["tokenize", "prune"])  # one without PyTorch and one with it, from its first layer on
def test_two_builds_give_one_digest(stage):
    require_image(stage)
    if not shutil.which("buildah"):
        pytest.skip("buildah is not installed")
    next(iter(build((stage,), source="https://example.org/elsewhere").lines))  # layers of other arguments lie about
    first, second = (next(iter(build((stage,), fresh=fresh).lines)) for fresh in (False, True))
    digest = re.compile(r"sha256:[0-9a-f]{64}")
    assert digest.findall(first) == digest.findall(second) != []
