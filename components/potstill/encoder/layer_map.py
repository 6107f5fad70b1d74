"""Which teacher layer each student layer learns from."""

from potstill.errors import OptionError

NAMED = ("uniform", "first", "last")


def layer_map(wanted: str, student_layers: int, teacher_layers: int) -> list[int]:
    """Return the teacher layer (0 is the first) of each student layer.

    Args:
        wanted: "uniform" (evenly spread, ends at the last), "first", "last", or explicit, as "0,3".
        student_layers: layers of the student.
        teacher_layers: layers of the teacher.

    Raises:
        OptionError: an unknown name, a layer that the teacher has not, or a list of another length.
    """
    few = min(student_layers, teacher_layers)
    if wanted == "uniform":
        return [
            (i + 1) * teacher_layers // student_layers - 1
            if few == student_layers
            else _stretch(i, student_layers, teacher_layers)
            for i in range(student_layers)
        ]
    if wanted in ("first", "last") and student_layers <= teacher_layers:
        start = 0 if wanted == "first" else teacher_layers - student_layers
        return list(range(start, start + student_layers))
    return _explicit(wanted, student_layers, teacher_layers)


def _stretch(index: int, student_layers: int, teacher_layers: int) -> int:
    """A deeper student (MobileBERT has 24 layers): several of its layers learn from one of the teacher's."""
    return min(teacher_layers - 1, index * teacher_layers // student_layers)


def _explicit(wanted: str, student_layers: int, teacher_layers: int) -> list[int]:
    numbers = [part.strip() for part in wanted.split(",")]
    if not all(part.isdigit() and int(part) < teacher_layers for part in numbers) or len(numbers) != student_layers:
        raise OptionError(
            f"layer_map must be one of {', '.join(NAMED)} or {student_layers} teacher layers from 0 to "
            f"{teacher_layers - 1} as in '0,3', got {wanted!r}"
        )
    return [int(part) for part in numbers]
