"""manifests/, built by kustomize as `kubectl apply -k` would, and judged without a cluster."""

import os
import re
from pathlib import Path

import pytest
import yaml

from pipelines.placement import RESOURCES, STORE_VARIABLES
from pipelines.placement_file import Placement
from tests.manifests.network import Peer, may_come_in, may_go_out
from tests.manifests.objects import (
    MANIFESTS,
    OVERLAYS,
    against_schema,
    built,
    naming_what_is_not_there,
    privileged,
    secret_values,
    stores,
    too_many_rights,
    why_not,
    without_namespace,
)

NAMESPACES = {"kind": "kubeflow", "cluster": "potstill"}
RUN = {"workflows.argoproj.io/workflow": "potstill-compress-x7"}  # Argo's label on the pods of a run
SOMEBODY = Peer("elsewhere", {"app": "anything"})
CARD = Path(__file__).parents[2] / "components" / "potstill" / "train_job" / "README.md"

absent = why_not()
if absent and os.environ.get("POTSTILL_REQUIRE_KUBECTL"):
    pytest.fail(absent, pytrace=False)
pytestmark = [pytest.mark.skipif(bool(absent), reason=absent), pytest.mark.parametrize("overlay", OVERLAYS)]


def only(objects, kind, name):
    (found,) = [each for each in objects if (each["kind"], each["metadata"]["name"]) == (kind, name)]
    return found


def test_every_object_is_what_its_schema_says(overlay):
    assert list(against_schema(built(overlay))) == []


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        ("NetworkPolicy", lambda each: each["spec"].update(podSelecter={})),
        ("NetworkPolicy", lambda each: each["spec"].update(policyTypes="Egress")),
        ("ServiceAccount", lambda each: each.update(automountServiceAccountTokens=False)),
        ("Role", lambda each: each["rules"][0].update(verb=["get"])),
        ("RoleBinding", lambda each: each["roleRef"].pop("name")),
        ("ConfigMap", lambda each: each["data"].update(defaultPipelineRoot=3)),
    ],
)
def test_a_typo_is_caught(kind, wrong, overlay):
    objects = built(overlay)
    wrong(next(each for each in objects if each["kind"] == kind))
    assert len(list(against_schema(objects))) == 1


def test_every_object_is_in_the_namespace_of_the_runs(overlay):
    objects, namespace = built(overlay), NAMESPACES[overlay]
    assert list(without_namespace(objects, namespace)) == []
    del objects[-1]["metadata"]["namespace"]
    assert len(list(without_namespace(objects, namespace))) == 1


def test_every_object_says_that_it_is_of_potstill(overlay):
    part_of = {each["kind"]: set() for each in built(overlay)}
    for each in built(overlay):
        part_of[each["kind"]].add(each["metadata"].get("labels", {}).get("app.kubernetes.io/part-of"))
    # KFP's own policies let in the namespaces that say this of themselves.
    assert part_of.pop("Namespace", {"kubeflow-profile"}) == {"kubeflow-profile"}
    assert set().union(*part_of.values()) == {"potstill"}


def test_every_account_and_role_that_is_named_is_there(overlay):
    objects = built(overlay)
    assert list(naming_what_is_not_there(objects)) == []
    left = [each for each in objects if each["metadata"]["name"] != "potstill-runner" or each["kind"] == "RoleBinding"]
    offences = list(naming_what_is_not_there(left))
    assert any("ServiceAccount" in each for each in offences)
    assert any("'Role'" in each for each in offences)


def test_no_secret_stands_in_a_file(overlay):
    objects = built(overlay)
    assert list(secret_values(objects)) == []
    objects[0].setdefault("data", {})["x"] = "secret_key: hunter2"
    secret = {"kind": "Secret", "metadata": {"name": "s"}}
    assert len(list(secret_values([*objects, secret]))) == 2


def test_rights_are_few(overlay):
    objects = built(overlay)
    assert list(too_many_rights(objects)) == []
    role = only(objects, "Role", "potstill-runner")
    assert [rule["verbs"] for rule in role["rules"]] == [["get"], ["get"], ["get"], ["create", "patch"]]
    for wrong in ({"verbs": ["*"]}, {"resources": ["secrets"]}, {"resources": ["pods/exec"]}, {"verbs": ["escalate"]}):
        rule = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"], **wrong}
        assert len(list(too_many_rights([{**role, "rules": [rule]}]))) == 1


def test_nothing_privileged_is_let_in(overlay):
    objects = built(overlay)
    assert list(privileged(objects)) == []
    namespace = {"kind": "Namespace", "metadata": {"name": "n", "labels": {}}}
    assert len(list(privileged([namespace, {"kind": "ServiceAccount", "metadata": {"name": "s"}}]))) == 4


def test_the_launchers_store_is_the_secret_that_steps_and_rights_name(overlay):
    objects = built(overlay)
    (store,) = stores(objects)
    secret = store["credentials"]["secretRef"]
    assert secret["secretName"] == Placement().store_secret
    assert {secret["accessKeyKey"], secret["secretKeyKey"]} < set(STORE_VARIABLES)
    rules = only(objects, "Role", "potstill-runner")["rules"]
    (readable,) = [rule["resourceNames"] for rule in rules if "secrets" in rule["resources"]]
    assert readable == [Placement().store_secret]
    assert only(objects, "ServiceAccount", Placement().service_account)["automountServiceAccountToken"] is True


KFP = {
    "metadata": (Peer("kubeflow", {"component": "metadata-grpc-server"}), 8080),
    "API server": (Peer("kubeflow", {"app": "ml-pipeline"}), 8887),
    "Kubernetes": (Peer(address="172.18.0.2"), 6443),
}
CLOSED = {
    "KFP's database": (Peer("kubeflow", {"app": "mysql"}), 3306),
    "KFP's REST": (Peer("kubeflow", {"app": "ml-pipeline"}), 8888),
    "SeaweedFS's master": (Peer("kubeflow", {"app": "seaweedfs"}), 9333),
    "SeaweedFS's rights": (Peer("kubeflow", {"app": "seaweedfs"}), 8111),
    "another team": (SOMEBODY, 8080),
    "the kubelet": (Peer(address="172.18.0.2"), 10250),
    "the cloud's metadata": (Peer(address="169.254.169.254"), 80),
    "the cloud's metadata by TLS": (Peer(address="169.254.169.254"), 443),
    "a name server outside": (Peer(address="8.8.8.8"), 53),
    "plain HTTP": (Peer(address="93.184.216.34"), 80),
}


def test_a_run_reaches_kfp_kubernetes_the_store_and_names(overlay):
    objects, run = built(overlay), Peer(NAMESPACES[overlay], RUN)
    for what, (there, port) in KFP.items():
        assert may_go_out(objects, run, there, port), what
    dns = Peer("kube-system", {"k8s-app": "kube-dns"})
    assert may_go_out(objects, run, dns, 53)
    assert may_go_out(objects, run, dns, 53, "UDP")
    inside, outside = (Peer("kubeflow", {"app": "seaweedfs"}), 8333), (Peer(address="52.219.170.1"), 443)
    assert may_go_out(objects, run, *inside) == (overlay == "kind")
    assert may_go_out(objects, run, *outside) == (overlay == "cluster")


@pytest.mark.parametrize("what", CLOSED)
def test_a_run_reaches_nothing_else(what, overlay):
    there, port = CLOSED[what]
    assert not may_go_out(built(overlay), Peer(NAMESPACES[overlay], RUN), there, port)


def test_nobody_reaches_a_run(overlay):
    objects, run = built(overlay), Peer(NAMESPACES[overlay], RUN)
    for somebody in (SOMEBODY, Peer(NAMESPACES[overlay], RUN), Peer("kubeflow", {"app": "ml-pipeline"})):
        assert not may_come_in(objects, run, somebody, 8080)


def test_without_the_first_policy_a_run_is_open(overlay):
    objects = [each for each in built(overlay) if each["metadata"]["name"] != "potstill-default-deny"]
    assert may_come_in(objects, Peer(NAMESPACES[overlay], RUN), SOMEBODY, 8080)


def test_kfps_own_pods_go_on_as_they_did(overlay):
    database, server = Peer("kubeflow", {"app": "mysql"}), Peer("kubeflow", {"app": "ml-pipeline"})
    assert may_come_in(built(overlay), database, server, 3306)
    assert may_go_out(built(overlay), server, database, 3306)
    ours = {each["kind"] for each in built("kind")}
    assert not ours & {"Namespace", "ResourceQuota", "LimitRange"}


def test_what_is_no_run_is_closed_in_a_namespace_of_its_own(overlay):
    stray = Peer(NAMESPACES[overlay], {"app": "stray"})
    for there, port in ((SOMEBODY, 8080), (Peer(address="52.219.170.1"), 443)):
        assert may_go_out(built(overlay), stray, there, port) == (overlay == "kind")


def test_a_train_job_speaks_within_itself_and_to_the_store(overlay):
    if overlay == "kind":
        pytest.skip("KFP standalone comes without Kubeflow Trainer")
    objects = built(overlay)
    node, other = (Peer("potstill", {"jobset.sigs.k8s.io/jobset-name": "distill-1"}) for _ in range(2))
    assert may_go_out(objects, node, other, 29400)
    assert may_come_in(objects, node, other, 29400)
    assert may_go_out(objects, node, Peer(address="52.219.170.1"), 443)
    assert not may_go_out(objects, node, *KFP["Kubernetes"])
    assert not may_come_in(objects, node, SOMEBODY, 29400)


def test_the_launchers_rights_are_those_of_its_card(overlay):
    if overlay == "kind":
        pytest.skip("KFP standalone comes without Kubeflow Trainer")
    objects, card = built(overlay), CARD.read_text(encoding="utf-8")
    (block,) = [each for each in re.findall(r"```yaml\n(.*?)```", card, re.DOTALL) if "kind: Role" in each]
    for each in yaml.safe_load_all(block):
        assert only(objects, each["kind"], each["metadata"]["name"])["rules"] == each["rules"]
    assert only(objects, "ServiceAccount", "potstill-trainer")["automountServiceAccountToken"] is False


def test_every_step_fits_the_limits_and_the_quota(overlay):
    if overlay == "kind":
        pytest.skip("the limits of the namespace kubeflow are KFP's")
    objects = built(overlay)
    (limits,) = only(objects, "LimitRange", "potstill")["spec"]["limits"]
    hard = only(objects, "ResourceQuota", "potstill")["spec"]["hard"]
    for cores, memory in RESOURCES.values():
        assert int(cores) <= int(limits["max"]["cpu"])
        assert _bytes(memory) <= _bytes(limits["max"]["memory"])
    assert sum(int(cores) for cores, _ in RESOURCES.values()) <= int(hard["requests.cpu"])
    assert sum(_bytes(memory) for _, memory in RESOURCES.values()) <= _bytes(hard["requests.memory"])


def test_every_file_is_used(overlay):
    used = set()
    for path in MANIFESTS.rglob("kustomization.yaml"):
        body = yaml.safe_load(path.read_text(encoding="utf-8"))
        patches = [each["path"] for each in body.get("patches", [])]
        used |= {(path.parent / each).resolve() for each in (*body.get("resources", []), *patches)} | {path.resolve()}
    assert set(MANIFESTS.rglob("*.yaml")) <= used


def _bytes(quantity):
    number, unit = re.fullmatch(r"(\d+)([KMGT]i?)", quantity).groups()
    return int(number) * (1024 if unit.endswith("i") else 1000) ** ("KMGT".index(unit[0]) + 1)
