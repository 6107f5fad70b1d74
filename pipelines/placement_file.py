"""What a platform engineer decides of a run, as one small YAML file; pipelines/params/placement/ has examples."""

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from potstill.errors import InputError, OptionError
from potstill.one_line import one_line

STEPS = (
    "tokenize", "teacher-train", "teacher-cache", "teacher-ensemble", "distill", "prune", "qat", "onnx-export",
    "coreml-export", "validate", "gate", "release", "sign", "publish",
)  # fmt: skip
Step = Literal[STEPS]  # type: ignore[valid-type]

INT32 = 2**31 - 1  # what Kubernetes and KFP count with
LEAST_MEMORY = 4_000_000  # bytes; less starts no container
POWERS = "KMGTPE"


def _some(cpu: str) -> str:
    if float(cpu.removesuffix("m")) == 0:
        raise ValueError("nothing runs on none")
    return cpu


def _enough(memory: str) -> str:
    number = memory.rstrip("i" + POWERS)
    unit = memory[len(number) :]
    power = POWERS.index(unit[0]) + 1 if unit else 0
    if int(number) * (1024 if unit.endswith("i") else 1000) ** power < LEAST_MEMORY:
        raise ValueError("nothing runs in so little")
    return memory


_as_text = BeforeValidator(lambda given: str(given) if type(given) in (int, float) else given)  # YAML's 2 is "2"
Cpu = Annotated[str, Field(pattern=r"^([0-9]+(\.[0-9]+)?|[0-9]+m)$"), AfterValidator(_some), _as_text]
# What KFP takes, a number of bytes too.
Memory = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,18}([EPTGMK]i?)?$"), AfterValidator(_enough), _as_text]
Name = Annotated[str, Field(pattern=r"^([a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?)?$")]  # of a Kubernetes object, or empty
_WORD, _HOST = r"[A-Za-z0-9]([-._A-Za-z0-9]{0,61}[A-Za-z0-9])?", r"[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?/"
LabelKey = Annotated[str, Field(pattern=rf"^({_HOST})?{_WORD}$")]
LabelValue = Annotated[str, Field(pattern=rf"^({_WORD})?$")]
Resource = Annotated[str, Field(pattern=rf"^{_HOST}{_WORD}$")]
WORDS = {  # for what a pattern refuses
    "cpu": "cores, such as 2, 0.5 or 500m",
    "memory": "bytes, such as 8G or 512M, and 4M or more",
    "gpu_type": "a resource of Kubernetes, such as nvidia.com/gpu",
}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Toleration(_Strict):
    """A taint that a step's pod may stand on, in Kubernetes' own words."""

    key: LabelKey | None = None
    operator: Literal["Equal", "Exists"] = "Equal"
    value: LabelValue | None = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None

    @model_validator(mode="after")
    def _as_kubernetes_has_it(self) -> Self:
        if self.operator == "Exists" and self.value:
            raise ValueError("without a value where the operator is Exists")
        if self.operator == "Equal" and not self.key:
            raise ValueError("with a key, or with the operator Exists")
        return self


class Needs(_Strict):
    """What a step asks for; what is not named is as the wider rule says."""

    cpu: Cpu | None = None
    memory: Memory | None = None
    gpus: Annotated[int, Field(ge=0, le=INT32)] | None = None
    timeout_seconds: Annotated[int, Field(ge=1, le=INT32)] | None = None
    node_selector: Mapping[LabelKey, LabelValue] = Field(default_factory=dict)
    tolerations: tuple[Toleration, ...] = Field(default=(), strict=False)

    def under(self, wider: "Needs") -> "Needs":
        """Return these needs, and the wider rule's where nothing is named; selectors and tolerations add up."""
        named = {name: value for name in type(self).model_fields if (value := getattr(self, name)) is not None}
        together = {
            "node_selector": {**wider.node_selector, **self.node_selector},
            "tolerations": wider.tolerations + self.tolerations,
        }
        return wider.model_copy(update=named | together)


class Placement(_Strict):
    """All of the file. The defaults suit the kind cluster of docs/cluster.md."""

    service_account: Name = "potstill-runner"
    store_secret: Name = "potstill-store"  # noqa: S105 - the name of one
    signing_secret: Name = "potstill-signing"  # noqa: S105 - likewise
    image_pull_policy: Literal["IfNotPresent", "Always", "Never"] = "IfNotPresent"
    image_pull_secrets: tuple[Name, ...] = Field(default=(), strict=False)
    gpu_type: Resource = "nvidia.com/gpu"
    retries: Annotated[int, Field(ge=0, le=INT32)] = 5
    all: Needs = Needs()
    trainings: Needs = Needs()
    steps: Mapping[Step, Needs] = Field(default_factory=dict)


class _EachKeyOnce(yaml.SafeLoader):
    """YAML whose mappings name a key once: SafeLoader takes the last and says nothing."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        named = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        twice = sorted({name for name in named if named.count(name) > 1})
        if twice:
            raise yaml.constructor.ConstructorError(None, None, f"{', '.join(twice)} given twice", node.start_mark)
        return super().construct_mapping(node, deep)


def read_placement(path: Path) -> Placement:
    """Read a placement file; what is not named keeps its default.

    Raises:
        InputError: no such file, not YAML, or not a mapping.
        OptionError: every key that does not exist and every value out of its range, in one line.
    """
    try:
        found = yaml.load(path.read_text(encoding="utf-8"), _EachKeyOnce)  # noqa: S506 - it is a SafeLoader
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as broken:  # ValueError: no UTF-8, or no such day
        raise InputError(f"{path} cannot be read as a placement file: {' '.join(str(broken).split())}") from broken
    if not isinstance(found, dict):
        raise InputError(f"{path} holds no placement; wanted are lines such as 'store_secret: potstill-store'")
    try:
        return Placement.model_validate(found)
    except ValidationError as refused:
        raise OptionError(f"{path}: {'; '.join(_offence(dict(each)) for each in refused.errors())}") from None


def _offence(offence: dict[str, Any]) -> str:
    where = one_line(".".join(str(part) for part in offence["loc"] if part != "[key]"))
    if offence["type"] == "extra_forbidden":
        known = _keys_beside(offence["loc"])
        nearest = get_close_matches(str(offence["loc"][-1]), known, n=1)
        return f"there is no {where}{f'; nearest: {nearest[0]}' if nearest else ''}; known are: {', '.join(known)}"
    last = str(offence["loc"][-1])
    if last in WORDS and offence["type"] in ("string_pattern_mismatch", "value_error"):
        wanted = WORDS[last]
    elif offence["type"] == "string_pattern_mismatch":
        labels = {"node_selector", "tolerations"} & set(offence["loc"])
        wanted = "a label as Kubernetes has them" if labels else "the name of a Kubernetes object"
    elif offence["type"] == "model_type":
        wanted = "a mapping"
    else:
        wanted = str(offence["msg"]).removeprefix("Input should be ").removeprefix("Value error, ")
    return f"{where} must be {wanted}, got {one_line(repr(offence['input']))}"


def _keys_beside(place: tuple[Any, ...]) -> list[str]:
    form = Placement if len(place) == 1 else Toleration if "tolerations" in place else Needs
    return list(form.model_fields)
