"""Which systems open a package: its specification version says so."""

from potstill.coreml.inspection.facts import Target

# Source: coremltools, `AvailableTarget` and the comments of Model.proto.
SYSTEMS = {
    1: ("iOS 11", "macOS 10.13"),
    2: ("iOS 11.2", "macOS 10.13.2"),
    3: ("iOS 12", "macOS 10.14"),
    4: ("iOS 13", "macOS 10.15"),
    5: ("iOS 14", "macOS 11"),
    6: ("iOS 15", "macOS 12"),
    7: ("iOS 16", "macOS 13"),
    8: ("iOS 17", "macOS 14"),
    9: ("iOS 18", "macOS 15"),
    10: ("iOS 26", "macOS 26"),
}


def target_of(specification: int) -> Target:
    """Return the oldest systems that open a model of this specification version."""
    return Target(*SYSTEMS.get(specification, ("a newer iOS", "a newer macOS")), specification)
