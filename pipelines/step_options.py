"""The options of every step, checked before the first step runs.

A step would refuse them, too, but only once all before it has been computed.
"""

import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

from pipelines.parameters import Values, with_defaults
from potstill.commands import STAGES
from potstill.errors import OptionError

CHANNEL = "pipelinechannel--"  # KFP's prefix of a parameter that is handed into a condition
CONDITION = re.compile(rf"inputs\.parameter_values\['{CHANNEL}(?P<name>\w+)'\] != ''")
COMPONENT = re.compile(r"comp-(?P<stage>.+?)(-\d+)?")  # KFP numbers a component that is used again: comp-distill-2


def check_steps(pipeline: Any, values: Values) -> None:
    """Build each stage's options as the pipeline would hand them to its step.

    Args:
        pipeline: the compiled pipeline object.
        values: its parameters that were given, of the declared types; the others have the pipeline's defaults.

    Raises:
        OptionError: every refused option by the pipeline's name for it, in one line.
    """
    every = with_defaults(values, pipeline.component_spec.inputs)
    offences: dict[str, list[str]] = {}
    for name, stage, inputs in _steps(pipeline.pipeline_spec, every):
        refused = _refusal(stage, inputs, every)
        if refused:
            offences.setdefault(refused, []).append(name)
    if offences:
        raise OptionError("; ".join(f"{why} ({', '.join(names)})" for why, names in offences.items()))


def _steps(spec: Any, values: Values) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield each step that is a stage, in the order of the path: its name, the stage, whence its parameters come."""
    order = list(STAGES)
    found = _steps_of(spec.root.dag, spec, values)
    yield from sorted(found, key=lambda step: (order.index(step[1]), step[0]))


def _steps_of(dag: Any, spec: Any, values: Values) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for name, task in dag.tasks.items():
        component = COMPONENT.fullmatch(task.component_ref.name)
        if component and component["stage"] in STAGES:
            yield name, component["stage"], task.inputs.parameters
        elif _is_asked_for(task, values):
            yield from _steps_of(spec.components[task.component_ref.name].dag, spec, values)


def _is_asked_for(task: Any, values: Values) -> bool:
    """Tell whether a condition holds, as `release_name != ""`: what nobody asks for need not be right."""
    condition = CONDITION.fullmatch(task.trigger_policy.condition)
    return condition is not None and values[condition["name"]] != ""


def _refusal(stage: str, inputs: Mapping[str, Any], values: Values) -> str:
    fed = {
        option: each.component_input_parameter.removeprefix(CHANNEL)
        for option, each in inputs.items()
        if each.component_input_parameter
    }
    fixed = {option: each.runtime_value.constant for option, each in inputs.items() if each.HasField("runtime_value")}
    config = _config(stage)
    if config is None:
        return ""
    try:
        known = config.__dataclass_fields__  # a place, say, is no option of its stage
        config(**{option: values[name] for option, name in fed.items() if option in known}, **_typed(config, fixed))
    except OptionError as refused:
        return _renamed(str(refused), fed)
    return ""


def _config(stage: str) -> Any:
    try:
        module = import_module(STAGES[stage][0])
        return getattr(module, next(name for name in module.__all__ if name.endswith("Config")))
    except ModuleNotFoundError:  # under --docker a stage's libraries may be in its image alone; the step then refuses
        return None


def _typed(config: Any, fixed: Mapping[str, Any]) -> Values:
    """Read constants of the pipeline from protobuf, which has one kind of number: 3 is 3.0."""
    defaults = {name: each.default for name, each in config.__dataclass_fields__.items()}
    return {
        option: type(defaults[option])(getattr(constant, constant.WhichOneof("kind")))
        for option, constant in fixed.items()
    }


def _renamed(refusal: str, fed: Mapping[str, str]) -> str:
    """Say the pipeline's name where the stage's own begins an offence: epochs → teacher_epochs."""
    return "; ".join(
        re.sub(r"^\w+", lambda found: fed.get(found[0], found[0]), offence, count=1) for offence in refusal.split("; ")
    )
