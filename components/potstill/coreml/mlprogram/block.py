"""A block of operations made ready to run: a whole function, or what a condition or a loop runs.

What depends on constants alone (decompression, lookups of positions) is computed here, and never again.
"""

from collections.abc import Mapping
from typing import Any

from potstill.coreml.damage import damage_at
from potstill.coreml.mlprogram.argument import Argument, Arguments, Chain, join
from potstill.coreml.mlprogram.binding import bind
from potstill.coreml.mlprogram.control import Branch, condition_step, loop_step
from potstill.coreml.mlprogram.kept import Kept
from potstill.coreml.mlprogram.step import Step, make_step
from potstill.errors import InputError

NAME = "name"  # an attribute of every operation; it has no meaning for what is computed
DECOMPRESSION = ("constexpr_", "dequantize")  # how the names of the operators begin that decompress a constant
CONDITION, LOOP = "cond", "while_loop"


class Block:
    """A block in the making.

    Attributes:
        arguments: by name, what its operations can read.
        steps: what to run, in order.
        results: of each step.
    """

    def __init__(self, kept: Kept, place: str, outer: Mapping[str, Argument]) -> None:
        self._kept, self._place = kept, place
        self.arguments = dict(outer)
        self.steps: list[Step] = []
        self.results: list[tuple[Argument, ...]] = []

    def prepare(self, block: Any) -> tuple[Argument, ...]:
        """Prepare the operations of a `MILSpec.Block`.

        Returns: its outputs.

        Raises:
            DamagedError: an operation that is not what its type is.
            InputError: an operator, type or parameter that is not executed, named with its place.
        """
        for number, operation in enumerate(block.operations):
            names = ", ".join(each.name for each in operation.outputs)
            place = f"{self._place}, operation {number} ({operation.type}, giving {names})"
            with damage_at(place):
                self._take(operation, place)
        missing = [name for name in block.outputs if name not in self.arguments]
        if missing:
            raise InputError(f"{self._place}: no operation gives the outputs {', '.join(missing)}")
        outputs = tuple(self.arguments[name] for name in block.outputs)
        self._kept.needed.update(each.slot for each in outputs)
        for each in outputs:
            self._kept.note_weight(each)
        return outputs

    def _take(self, operation: Any, place: str) -> None:
        if operation.type == "const":
            name = operation.outputs[0].name
            self.arguments[name] = self._kept.constant(name, operation.attributes["val"], place)
        elif operation.type in (CONDITION, LOOP):
            self._control(operation, place)
        else:
            self._compute(operation, place)

    def _compute(self, operation: Any, place: str) -> None:
        arguments = self._arguments_of(operation, place)
        bound = bind(operation.type, arguments, place)
        results = self._declare(operation, place)
        step = make_step(bound, results, place)
        decompresses = bound.constant and operation.type.startswith(DECOMPRESSION)
        if not decompresses:
            for each in bound.tensors:
                self._kept.note_weight(each)
        if bound.constant and all(each.type for each in results):
            step(self._kept.values)
            self._settle(results, join(operation.type, arguments) if decompresses else None)
        else:
            self._keep(step, bound.slots, results)

    def _settle(self, results: tuple[Argument, ...], chain: Chain | None) -> None:
        for each in results:
            self.arguments[each.name] = self._kept.settle(each, chain)

    def _keep(self, step: Step, slots: tuple[int, ...], results: tuple[Argument, ...]) -> None:
        self._kept.needed.update(slots)
        self.steps.append(step)
        self.results.append(results)

    def _control(self, operation: Any, place: str) -> None:
        """A condition or a loop; its blocks read what stands before it, and the inputs of their own."""
        read = [self._read(each, place) for given in operation.inputs.values() for each in given.arguments]
        branches = [self._branch(each, f"{place}, block {number}") for number, each in enumerate(operation.blocks)]
        results = self._declare(operation, place)
        make = condition_step if operation.type == CONDITION else loop_step
        self._keep(make(read, branches, results, place), tuple(each.slot for each in read), results)

    def _branch(self, block: Any, place: str) -> Branch:
        inner = Block(self._kept, place, self.arguments)
        inputs = tuple(self._kept.declare(each, place) for each in block.inputs)
        inner.arguments |= {each.name: each for each in inputs}
        outputs = inner.prepare(block)
        return Branch(inner.steps, tuple(each.slot for each in inputs), tuple(each.slot for each in outputs))

    def _arguments_of(self, operation: Any, place: str) -> Arguments:
        given = {
            name: [self._kept.constant("", value, place)]
            for name, value in operation.attributes.items()
            if name != NAME
        }
        for name, bindings in operation.inputs.items():
            given[name] = [self._read(each, place) for each in bindings.arguments]
        return given

    def _read(self, binding: Any, place: str) -> Argument:
        if binding.WhichOneof("binding") == "value":
            return self._kept.constant("", binding.value, place)
        if binding.name not in self.arguments:
            raise InputError(f"{place}: nothing before it gives {binding.name!r}")
        return self.arguments[binding.name]

    def _declare(self, operation: Any, place: str) -> tuple[Argument, ...]:
        results = tuple(self._kept.declare(each, place) for each in operation.outputs)
        self.arguments |= {each.name: each for each in results}
        return results
