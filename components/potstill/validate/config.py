"""The options of validate: how much is measured, and the budgets that the verdict holds the model to."""

from typing import Annotated

from pydantic import Field, field_validator

from potstill.options import UNRECORDED, Threads, options

LENGTHS = (16, 32, 64, 128)
SHORTEST = 3  # tokens of a row that is timed: [CLS], a token, [SEP]


@options
class ValidateConfig:
    """What is measured, and which budgets decide the verdict.

    Budgets judge every compressed export that is given (ONNX int8, ONNX QDQ, Core ML), or the model itself where there
    is none.
    """

    budgets: Annotated[str, UNRECORDED] = ""
    """Budgets as YAML, such as 'max_size_mb: 7.5', or the path of a .yaml, .yml or .json file that holds them. Those
    that are not named stand at their defaults; null is no such budget. Empty: all defaults."""
    test_rows: Annotated[int, Field(ge=0)] = 0
    """Test rows to evaluate on, evenly spaced, for a quick look; 0: all."""
    robustness_rows: Annotated[int, Field(ge=0)] = 500
    """Test rows, evenly spaced, that teacher, final model and TF-IDF are also asked with typing errors, in other
    scripts, cut and so on, each row in each way; 0: none."""
    threads: Annotated[Threads, UNRECORDED] = 2
    """Rows computed side by side, each on one CPU thread; changes no figure. Latency is always measured one by one."""
    latency_rows: Annotated[int, Field(ge=1), UNRECORDED] = 100
    """Test rows to time, evenly spaced, one at a time at their own length."""
    latency_warmup: Annotated[int, Field(ge=0), UNRECORDED] = 10
    """Uncounted calls before the timed ones."""
    latency_lengths: Annotated[str, UNRECORDED] = ""
    """Tokens of rows on which latency and throughput are measured besides, comma-separated, as 16,64. Empty: 16, 32, 64
    and 128, as far as the longest test row goes, and that row's length."""

    footprint: Annotated[bool, UNRECORDED] = True
    """Whether every PyTorch and ONNX model is also opened in a process of its own, for its memory and cold start."""

    @field_validator("budgets")
    @classmethod
    def _are_budgets(cls, value: str) -> str:
        from potstill.validate.budgets import read_budgets  # noqa: PLC0415 - scipy is slow to load

        read_budgets(value)  # refused before anything is computed
        return value

    @field_validator("latency_lengths")
    @classmethod
    def _are_lengths(cls, value: str) -> str:
        for each in filter(None, value.split(",")):
            if not (each.strip().isascii() and each.strip().isdecimal() and int(each) >= SHORTEST):
                raise ValueError(
                    f"latency_lengths must be numbers of at least {SHORTEST}, comma-separated, as 16,64, got {value!r}"
                )
        return value

    def lengths(self, longest: int) -> list[int]:
        """The lengths to measure, ascending, none of them beyond `longest`, which is at least SHORTEST."""
        asked = [int(each) for each in self.latency_lengths.split(",") if each.strip()] or [*LENGTHS, longest]
        return sorted({max(SHORTEST, min(each, longest)) for each in asked})
