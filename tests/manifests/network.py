"""Who may speak to whom, by the network policies: what a plug-in that enforces them would let through.

As https://kubernetes.io/docs/concepts/services-networking/network-policies/ has it: a pod that some policy selects may
do what one of those policies lets it, and no more; a pod that none selects may do everything.
"""

from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

Object = dict[str, Any]


@dataclass(frozen=True)
class Peer:
    """A pod, by its namespace and labels; or, without a namespace, a machine by its address."""

    namespace: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    address: str = "10.244.0.9"


def may_go_out(objects: list[Object], pod: Peer, there: Peer, port: int, protocol: str = "TCP") -> bool:
    return _may(objects, pod, there, port, protocol, "Egress", "to")


def may_come_in(objects: list[Object], pod: Peer, there: Peer, port: int, protocol: str = "TCP") -> bool:
    return _may(objects, pod, there, port, protocol, "Ingress", "from")


def _may(objects: list[Object], pod: Peer, there: Peer, port: int, protocol: str, direction: str, word: str) -> bool:
    policies = [
        each["spec"]
        for each in objects
        if each["kind"] == "NetworkPolicy"
        and each["metadata"]["namespace"] == pod.namespace
        and direction in each["spec"]["policyTypes"]
        and _selects(each["spec"]["podSelector"], pod.labels)
    ]
    rules = [rule for spec in policies for rule in spec.get(direction.lower(), [])]
    return not policies or any(
        any(_is(peer, pod, there) for peer in rule[word])
        and ("ports" not in rule or {"protocol": protocol, "port": port} in rule["ports"])
        for rule in rules
    )


def _is(peer: Object, pod: Peer, there: Peer) -> bool:
    if "ipBlock" in peer:
        block, address = peer["ipBlock"], ip_address(there.address)
        outside = any(address in ip_network(each) for each in block.get("except", []))
        return not there.namespace and address in ip_network(block["cidr"]) and not outside
    if not there.namespace:
        return False
    if "namespaceSelector" in peer:
        of_namespace = {"kubernetes.io/metadata.name": there.namespace}
        if not _selects(peer["namespaceSelector"], of_namespace):
            return False
    elif there.namespace != pod.namespace:
        return False
    return _selects(peer.get("podSelector", {}), there.labels)


def _selects(selector: Object, labels: dict[str, str]) -> bool:
    equal = all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())
    operators = {"Exists": lambda each: each["key"] in labels, "DoesNotExist": lambda each: each["key"] not in labels}
    return equal and all(operators[each["operator"]](each) for each in selector.get("matchExpressions", []))
