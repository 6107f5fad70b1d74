"""What is known of a package without asking a device: plain data, for a person's eyes and as JSON."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Described:
    """An input or an output.

    Attributes:
        name: of the feature.
        type: such as int32, float16, text, or a dictionary.
        shape: lengths of its axes in words, `1 × 64` or `1 × 3 to 128`; empty for what is no array.
        note: what else the package says of it.
    """

    name: str
    type: str
    shape: str
    note: str


@dataclass(frozen=True)
class Target:
    """The oldest systems that open the package: `iOS 16`, `macOS 13`; specification: the format's version."""

    ios: str
    macos: str
    specification: int


@dataclass(frozen=True)
class Part:
    """A part of the model, and what it takes in the package."""

    name: str
    bytes: int


@dataclass(frozen=True)
class WeightFacts:
    """How a weight lies in the package.

    Attributes:
        name: in the package.
        shape: of the weight as it is computed with.
        kind: in words: `int8`, `4-bit palette`, `sparse, int8`, `float16` where it is not compressed.
        grain: what shares a scale or a palette: `a row`, `32 of a row`, `16 rows`, `the whole`; empty if nothing does.
        sparsity: share of entries that are 0 and not stored, in [0, 1].
        dense_bytes: what it would take uncompressed, in the type that it is computed with.
        bytes: what it takes, its scales and palettes with it.
    """

    name: str
    shape: tuple[int, ...]
    kind: str
    grain: str
    sparsity: float
    dense_bytes: int
    bytes: int


@dataclass(frozen=True)
class Compression:
    """All weights of one kind, in sum; attributes as those of a weight."""

    kind: str
    weights: int
    entries: int
    dense_bytes: int
    bytes: int


@dataclass(frozen=True)
class Remark:
    """Something that may keep a model, or a part of it, off the Neural Engine.

    Attributes:
        subject: what it is about, in a word or two.
        text: what was found, what it means, and the way out.
        source: where that is known from.
    """

    subject: str
    text: str
    source: str


@dataclass(frozen=True)
class Facts:
    """A package, or one model of a pipeline.

    Attributes:
        name: of the file, or the place in the pipeline.
        kind: the type of model, as the format names it.
        updatable: whether an app may train it further.
        target: the oldest systems that open it.
        functions: names of a program's functions.
        function: the one that the rest is about.
        inputs: what a prediction takes.
        outputs: what it gives.
        labels: of a classifier.
        metadata: author, licence, version, description and the entries of the package's maker.
        bytes: of all its files.
        sizes: by part, in the order of the model.
        compression: by kind, the largest first.
        weights: each of them, the largest first.
        activations: number of computed values, by type.
        operators: number of operations or layers, by type, the most frequent first.
        advice: what may keep it off the Neural Engine.
        not_executed: why the interpreter does not execute it; empty if it does.
        damaged: whether that is so because its files do not hold what they should.
        parts: the models of a pipeline.
    """

    name: str
    kind: str
    updatable: bool
    target: Target
    functions: tuple[str, ...]
    function: str
    inputs: tuple[Described, ...]
    outputs: tuple[Described, ...]
    labels: tuple[str | int, ...]
    metadata: Mapping[str, str]
    bytes: int
    sizes: tuple[Part, ...]
    compression: tuple[Compression, ...]
    weights: tuple[WeightFacts, ...]
    activations: Mapping[str, int]
    operators: Mapping[str, int]
    advice: tuple[Remark, ...]
    not_executed: str
    damaged: bool
    parts: tuple["Facts", ...]
