"""`potstill <stage> …`: every stage on the command line, generated from its function and its options."""

import inspect
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any

import tyro

import potstill
from potstill.arguments import WORDS, parse
from potstill.errors import OptionError, PotstillError
from potstill.interrupts import STOPPED, stop_by_exception, stop_no_more
from potstill.measure.measures import Measures
from potstill.one_line import one_line
from potstill.os_failures import explain
from potstill.progress import speaks

REFUSED = 2  # the exit code
UNREAD = 141  # that of a program whose reader went away: 128 + SIGPIPE
# name: (module, function, what it does) — in the order of the path from text to phone
STAGES = {
    "tokenize": ("potstill.tokenize", "tokenize_table", "a table of texts → token ids per split, tokenizer, labels"),
    "teacher-train": (
        "potstill.teacher_train",
        "train_teacher",
        "tokens + a starting checkpoint → a fine-tuned teacher",
    ),
    "teacher-cache": (
        "potstill.teacher_cache",
        "cache_teacher",
        "teacher + tokens → what the teacher answers on every row, once for all students",
    ),
    "teacher-ensemble": (
        "potstill.teacher_ensemble",
        "ensemble_outputs",
        "outputs of several teachers → their weighted sum, one teacher to learn from",
    ),
    "distill": ("potstill.distill", "distill_student", "teacher + tokens → a small student that answers like it"),
    "latency-table": (
        "potstill.latency_table",
        "measure_latencies",
        "checkpoint → milliseconds by heads and FFN neurons, measured here, for prune to aim at",
    ),
    "prune": (
        "potstill.prune",
        "prune_checkpoint",
        "student → fewer heads, FFN neurons, layers and word pieces, down to a target or a floor",
    ),
    "choose-round": ("potstill.choose_round", "choose_round", "a pruned checkpoint → another of its rounds"),
    "qat": (
        "potstill.qat",
        "quantize_checkpoint",
        "student → int8 scales that keep its accuracy: trained, calibrated, or for inputs as they come",
    ),
    "onnx-export": ("potstill.onnx_export", "export_onnx", "checkpoint → ONNX: fp32, fused, int8; parity proved"),
    "coreml-export": ("potstill.coreml_export", "export_coreml", "checkpoint → Core ML packages; executed and proved"),
    "validate": ("potstill.validate", "validate_models", "every format on the test split → report and verdict"),
}
IMPORTS = {
    "import-data": (
        "potstill.data.importing",
        "import_data",
        "a table, folder, s3:// URI or known set → a sealed data set",
    ),
    "import-checkpoint": (
        "potstill.encoder.importing",
        "import_checkpoint",
        "a hub id, folder or known set → a sealed checkpoint",
    ),
}
COMMANDS = {**IMPORTS, **STAGES}
RELEASES = {
    "validate gate": (
        "potstill.validate.gate_command",
        "gate_verdict",
        "a verdict of validate → exit code 0 for a pass, 1 for anything else, with what failed",
    ),
    "validate compare": (
        "potstill.validate.compare",
        "compare_reports",
        "two reports → what moved from the one release to the other, and what of it is significant",
    ),
}
COREML = {
    "coreml inspect": (
        "potstill.coreml.commands",
        "inspect_package",
        "inputs, labels, sizes, compression, oldest iOS, and what keeps it off the Neural Engine",
    ),
    "coreml predict": (
        "potstill.coreml.commands",
        "predict",
        "texts or arrays → labels and probabilities, with no Mac",
    ),
    "coreml diff": ("potstill.coreml.commands", "diff", "two packages → in what they differ, also in their answers"),
}
READERS = {**RELEASES, **COREML}  # commands of two words; they read, tell, and write nothing but what they are asked to
FUNCTIONS = (tyro.conf.OmitArgPrefixes, tyro.conf.HelptextFromCommentsOff)
STAGE_OPTIONS = (*FUNCTIONS, tyro.conf.FlagConversionOff)  # true and false are written out, as in a pipeline
READER_OPTIONS = (*FUNCTIONS, tyro.conf.FlagCreatePairsOff)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code: 0 done, 1 different (diff), 2 refused (a line on stderr), 130 stopped."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or given[0] in ("-h", "--help"):
        print(_map())
        return 0
    if given[0] == "--version":
        print(f"potstill {potstill.__version__}")
        return 0
    two = " ".join(given[:2])
    if two in READERS:
        return run_reader(two, given[2:])
    if given[0] == "coreml":
        return _coreml_help(given[1:])
    if given[0] not in COMMANDS:
        return _refuse(f"{given[0]!r} is not a command; commands are: {', '.join(COMMANDS)}, coreml")
    return run_stage(given[0], given[1:])


def show(measures: Measures) -> None:
    """Print what a stage measured, a line each."""
    if speaks():
        for key, value in measures.items():
            print(f"{key:>32}  {value:.6g}")


def run_stage(name: str, arguments: Sequence[str] | None = None, report: Callable[[Measures], None] = show) -> int:
    """Parse the arguments of one stage, run it and hand what it measured to `report`; return the exit code."""

    def run() -> int:
        report(_call(name, COMMANDS[name], arguments, config=STAGE_OPTIONS, registry=WORDS)())
        return 0

    return _attempt(name, run)


def run_reader(name: str, arguments: Sequence[str]) -> int:
    """Run a command that reads and tells; return the exit code."""

    def run() -> int:
        told = _call(name, READERS[name], arguments, config=READER_OPTIONS)()
        return int(told.code) if _printed(told.lines) else UNREAD

    return _attempt(name, run)


def _coreml_help(arguments: Sequence[str]) -> int:
    """Teach the commands of `potstill coreml`, or refuse what is none of them."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_coreml_map())
        return 0
    return _refuse(f"'coreml {arguments[0]}' is not a command; commands are: {', '.join(COREML)}")


def _printed(lines: Iterable[str]) -> bool:
    """Print lines as they come; False where nobody reads on, as behind `head`."""
    try:
        for line in lines:
            print(line)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left is flushed at the end
        return False
    return True


def _call(
    name: str, command: tuple[str, str, str], arguments: Sequence[str] | None, **settings: Any
) -> Callable[[], Any]:
    module, function, purpose = command
    work: Callable[..., Any] = getattr(import_module(module), function)
    call = parse(
        work,
        prog=f"potstill {name}",
        description=f"{purpose}\n\n{_explanation(work)}",
        args=sys.argv[1:] if arguments is None else arguments,
        **settings,
    )
    stop_by_exception()
    return call


def _attempt(name: str, run: Callable[[], int]) -> int:
    """Run, and turn what is refused into one line and an exit code."""
    try:
        return run()
    except OptionError as refused:  # in every process alike, so one of them tells it
        return _refuse(str(refused)) if speaks() else REFUSED
    except PotstillError as refused:
        return _refuse(str(refused))
    except OSError as failed:  # a full disk, a file that may not be read
        return _refuse(explain(failed, name))
    except KeyboardInterrupt:
        stop_no_more()
        print("potstill: stopped; run the same command again", file=sys.stderr)
        return STOPPED


def _explanation(stage: Callable[..., Any]) -> str:
    """The stage's docstring up to its arguments, which the options below explain themselves."""
    return (inspect.getdoc(stage) or "").partition("\nArgs:")[0].strip()


def _refuse(why: str) -> int:
    print(f"potstill: error: {one_line(str(why))}", file=sys.stderr)
    return REFUSED


def _rows(commands: Mapping[str, tuple[str, str, str]]) -> str:
    return "\n".join(f"  {name:<18} {purpose}" for name, (_, _, purpose) in commands.items())


def _coreml_map() -> str:
    return (
        "usage: potstill coreml COMMAND [--help] …\n\n"
        "Core ML packages (.mlpackage, .mlmodel) of any origin are read and executed here, with no Mac.\n\n"
        f"{_rows(COREML)}\n\n"
        "potstill coreml COMMAND --help teaches a command."
    )


def _map() -> str:
    return (
        "usage: potstill COMMAND [--help] …\n\n"
        "potstill distils a large text classifier down to a phone. Each stage reads sealed folders and writes one.\n\n"
        f"stages, in the order of the path:\n{_rows(STAGES)}\n\n"
        f"what comes before them:\n{_rows(IMPORTS)}\n\n"
        f"what reads verdicts and compares releases:\n{_rows(RELEASES)}\n\n"
        f"what looks at Core ML packages:\n{_rows(COREML)}\n\n"
        "potstill COMMAND --help teaches a command; python -m potstill.<stage> is the same, in a container."
    )
