"""What a neural network holds: its layers by type, and the weights of each."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from potstill.coreml.inspection.facts import WeightFacts


def layers_of(network: Any) -> Counter[str]:
    """Count the layers, by type."""
    return Counter(str(each.WhichOneof("layer") or "of no type") for each in network.layers)


def weights_of(network: Any) -> Iterator[WeightFacts]:
    """Yield how the weights of each layer lie in the file; their shape is that of a vector."""
    return (_facts(name, stored) for name, stored in stored_weights(network))


def stored_weights(network: Any) -> Iterator[tuple[str, Any]]:
    """Yield each `WeightParams` message of a network, and its name: that of the layer and of its parameter."""
    for layer in network.layers:
        kind = layer.WhichOneof("layer")
        for field, content in getattr(layer, kind).ListFields() if kind else ():
            if field.message_type is not None and field.message_type.name == "WeightParams":
                yield f"{layer.name}_{field.name}", content


def _facts(name: str, stored: Any) -> WeightFacts:
    bits = int(stored.quantization.numberOfBits)
    kind = stored.quantization.WhichOneof("QuantizationType")
    raw = len(stored.rawValue) + len(stored.int8RawValue)
    entries = len(stored.floatValue) + len(stored.float16Value) // 2 + (raw * 8 // bits if raw and bits else 0)
    words = {"lookupTableQuantization": f"{bits}-bit palette", "linearQuantization": f"int{bits}"}
    plain = "float16" if stored.float16Value else "float32"
    scales = len(stored.quantization.linearQuantization.scale)
    grain = "" if kind is None else "a row" if scales > 1 else "the whole"
    return WeightFacts(name, (entries,), words.get(kind, plain), grain, 0.0, entries * 4, stored.ByteSize())
