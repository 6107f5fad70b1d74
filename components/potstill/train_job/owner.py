"""Who a job belongs to: what controls the launcher's pod, for that outlives the pod; else the pod itself.

Kubernetes deletes what an owner leaves behind. A pod of KFP is controlled by its run's Argo Workflow: the job survives
a retry, which is another pod, and goes when the run is deleted.
"""

import os
import socket

from kubeflow.common.utils import is_running_in_k8s
from kubeflow_trainer_api.models import IoK8sApimachineryPkgApisMetaV1OwnerReference as Owner
from kubernetes.client import CoreV1Api

from potstill.progress import tell

POD_NAME = "KFP_POD_NAME"  # KFP sets it in every step


def owner_of_launcher(core: CoreV1Api, namespace: str) -> Owner | None:
    """Find the owner for a job that this process starts; None outside a cluster."""
    name = os.environ.get(POD_NAME) or (socket.gethostname() if is_running_in_k8s() else "")
    if not name:
        tell("this process runs in no pod, so nothing owns the job; kubectl delete trainjob deletes it")
        return None
    pod = core.read_namespaced_pod(name, namespace)
    for each in pod.metadata.owner_references or ():
        if each.controller:
            return Owner(apiVersion=each.api_version, kind=each.kind, name=each.name, uid=each.uid)
    return Owner(apiVersion="v1", kind="Pod", name=pod.metadata.name, uid=pod.metadata.uid)
