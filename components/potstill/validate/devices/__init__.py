"""Measurements of phones, which cannot be made here: read from what Xcode and Android write, or from a simple file."""

from potstill.validate.devices.reading import read_devices, refuse_unknown

__all__ = ["read_devices", "refuse_unknown"]
