"""What kustomize makes of an overlay, and what must hold of it beyond its schema: offences, each a line."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml

MANIFESTS = Path(__file__).parents[2] / "manifests"
OVERLAYS = ("kind", "cluster")
OF_NO_NAMESPACE = ("Namespace", "ClusterRole", "ClusterRoleBinding")
KUBERNETES = kubernetes_validate.latest_version()
# S3ProviderDefault, S3Credentials and S3SecretRef in backend/src/v2/config/s3.go of KFP 2.17; it ignores other keys.
OF_A_PROVIDER = {"endpoint", "region", "disableSSL", "forcePathStyle", "maxRetries", "credentials"}
OF_CREDENTIALS = {"fromEnv", "secretRef"}
OF_A_SECRET = {"secretName", "accessKeyKey", "secretKeyKey"}

Object = dict[str, Any]


def why_not() -> str:
    """Why overlays cannot be built here; empty where they can."""
    if not shutil.which("kubectl"):
        return "no kubectl, which has kustomize in it"
    told = subprocess.run(["kubectl", "version", "--client", "-o", "json"], capture_output=True, text=True, check=True)
    version = json.loads(told.stdout).get("kustomizeVersion", "none")
    found = re.match(r"v?(\d+)", version)
    return "" if found and int(found[1]) >= 5 else f"kubectl has kustomize {version}; wanted is 5 or newer"


@cache
def _built(overlay: str) -> str:
    folder = MANIFESTS / "overlays" / overlay
    return subprocess.run(["kubectl", "kustomize", folder], capture_output=True, text=True, check=True).stdout


def built(overlay: str) -> list[Object]:
    """The objects of an overlay, a fresh copy with every call."""
    return list(yaml.safe_load_all(_built(overlay)))


def against_schema(objects: list[Object]) -> Iterator[str]:
    for each in objects:
        try:
            kubernetes_validate.validate(each, KUBERNETES, strict=True)
        except kubernetes_validate.ValidationError as refused:
            yield f"{each['kind']} {each['metadata']['name']}: {refused.message}"


def without_namespace(objects: list[Object], namespace: str) -> Iterator[str]:
    for each in objects:
        found = each["metadata"].get("namespace")
        if found != (None if each["kind"] in OF_NO_NAMESPACE else namespace):
            yield f"{each['kind']} {each['metadata']['name']} is in namespace {found}"


def naming_what_is_not_there(objects: list[Object]) -> Iterator[str]:
    there = {(each["kind"], each["metadata"]["name"], each["metadata"].get("namespace")) for each in objects}
    for each in objects:
        if each["kind"] not in ("RoleBinding", "ClusterRoleBinding"):
            continue
        role, namespace = each["roleRef"], each["metadata"].get("namespace")
        wanted = [(role["kind"], role["name"], namespace if role["kind"] == "Role" else None)]
        wanted += [(subject["kind"], subject["name"], subject.get("namespace")) for subject in each["subjects"]]
        for absent in [one for one in wanted if one not in there]:
            yield f"{each['kind']} {each['metadata']['name']} names {absent}, which is not there"


def secret_values(objects: list[Object]) -> Iterator[str]:
    for each in objects:
        if each["kind"] == "Secret":
            yield f"Secret {each['metadata']['name']} has its values in a file"
        for key, value in each.get("data", {}).items():
            if re.search(r"AKIA[0-9A-Z]{16}|(?i:secret_?key|password)\s*[:=]\s*\S", value.replace("secretKeyKey:", "")):
                yield f"{each['kind']} {each['metadata']['name']}: {key} looks like a credential"


def too_many_rights(objects: list[Object]) -> Iterator[str]:
    for each in objects:
        for rule in each.get("rules", []):
            name = f"{each['kind']} {each['metadata']['name']}"
            if "*" in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]:
                yield f"{name} has a right on everything: {rule}"
            if {"secrets", "configmaps"} & set(rule["resources"]) and not rule.get("resourceNames"):
                yield f"{name} may read every one of {rule['resources']}"
            if {"pods/exec", "roles", "rolebindings", "serviceaccounts/token"} & set(rule["resources"]):
                yield f"{name} may gain rights by {rule['resources']}"
            if set(rule["verbs"]) & {"bind", "escalate", "impersonate", "deletecollection"}:
                yield f"{name} may {rule['verbs']}"


def privileged(objects: list[Object]) -> Iterator[str]:
    """Namespaces that let more in than `restricted`, and accounts that say nothing of their token."""
    for each in objects:
        name = f"{each['kind']} {each['metadata']['name']}"
        if each["kind"] == "Namespace":
            labels = each["metadata"].get("labels", {})
            for mode in ("enforce", "audit", "warn"):
                if labels.get(f"pod-security.kubernetes.io/{mode}") != "restricted":
                    yield f"{name} does not {mode} restricted"
        if each["kind"] == "ServiceAccount" and "automountServiceAccountToken" not in each:
            yield f"{name} leaves its token to chance"


def stores(objects: list[Object]) -> list[Object]:
    """The S3 provider that every kfp-launcher names, by KFP's own keys alone."""
    found = []
    for each in objects:
        if each["kind"] == "ConfigMap" and each["metadata"]["name"] == "kfp-launcher":
            assert each["data"].keys() == {"defaultPipelineRoot", "providers"}
            assert each["data"]["defaultPipelineRoot"].startswith("s3://")
            (provider,) = yaml.safe_load(each["data"]["providers"]).items()
            assert provider[0] == "s3"
            assert provider[1].keys() == {"default"}
            store = provider[1]["default"]
            assert store.keys() <= OF_A_PROVIDER
            assert store["credentials"].keys() <= OF_CREDENTIALS
            assert store["credentials"]["secretRef"].keys() == OF_A_SECRET
            found.append(store)
    return found
