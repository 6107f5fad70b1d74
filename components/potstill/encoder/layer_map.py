"""Which teacher layer each student layer learns from."""

from potstill.errors import OptionError

NAMED = ("uniform", "skip", "first", "last")


def layer_map(wanted: str, student_layers: int, teacher_layers: int) -> list[int]:
    """Return the teacher layer (0 is the first) of each student layer, in ascending order unless explicit.

    | 6 of 12 | teacher layers | source |
    |---|---|---|
    | uniform | 1, 3, 5, 7, 9, 11 | every N/M-th to the last: TinyBERT, arXiv:1909.10351; PKD-Skip, 1908.09355 |
    | skip | 0, 2, 4, 7, 9, 11 | even from first to last: DistilBERT's scripts/extract_distilbert.py, arXiv:1910.01108 |
    | first | 0, 1, 2, 3, 4, 5 | the layers that PKD's students start from, arXiv:1908.09355 |
    | last | 6, 7, 8, 9, 10, 11 | PKD-Last, arXiv:1908.09355 |

    (PKD itself leaves out the student's last layer, which learns from the logits.)

    Args:
        wanted: "uniform", "skip", "first", "last", or explicit, as "0,3".
        student_layers: layers of the student, at least 1.
        teacher_layers: layers of the teacher, at least 1.

    Raises:
        OptionError: an unknown name, a layer that the teacher has not, or a list of another length.
    """
    if wanted == "uniform":
        return [_uniform(layer, student_layers, teacher_layers) for layer in range(student_layers)]
    if wanted == "skip":
        return [_skip(layer, student_layers, teacher_layers) for layer in range(student_layers)]
    if wanted in ("first", "last"):
        if student_layers > teacher_layers:
            raise OptionError(
                f"layer_map {wanted} needs a teacher with as many layers, the student has {student_layers} and the "
                f"teacher {teacher_layers}; choose uniform or skip"
            )
        start = 0 if wanted == "first" else teacher_layers - student_layers
        return list(range(start, start + student_layers))
    return _explicit(wanted, student_layers, teacher_layers)


def _uniform(layer: int, student_layers: int, teacher_layers: int) -> int:
    if student_layers > teacher_layers:  # MobileBERT has 24: several of its layers learn from one of the teacher's
        return layer * teacher_layers // student_layers
    return (layer + 1) * teacher_layers // student_layers - 1


def _skip(layer: int, student_layers: int, teacher_layers: int) -> int:
    """Spread from the first layer to the last, both included; a lone layer learns from the last."""
    if student_layers == 1:
        return teacher_layers - 1
    return round(layer * (teacher_layers - 1) / (student_layers - 1))


def _explicit(wanted: str, student_layers: int, teacher_layers: int) -> list[int]:
    numbers = [part.strip() for part in wanted.split(",")]
    if not all(part.isdigit() and int(part) < teacher_layers for part in numbers) or len(numbers) != student_layers:
        raise OptionError(
            f"layer_map must be one of {', '.join(NAMED)} or {student_layers} teacher layers from 0 to "
            f"{teacher_layers - 1}, separated by commas, got {wanted!r}"
        )
    return [int(part) for part in numbers]
