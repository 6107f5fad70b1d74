"""Every error that potstill raises on purpose.

    PotstillError            one line for a person; the command line prints it and exits with 2
    ├── OptionError          an option out of its range, or a choice that does not exist
    ├── InputError           a file, table or checkpoint that cannot be read as what it should be
    │   ├── MissingError     an object that a store does not hold
    │   └── DamagedError     a Core ML package whose files do not hold what they should
    ├── ArtifactError        a folder that is not the sealed artifact a stage reads
    ├── JobError             a job on a cluster that failed, or cannot be started or reached
    ├── ParityError          an exported model that does not compute what its source computes
    └── VerdictError         the gate: the model was measured, and a budget is not met

Each message says what came, what is wanted, and the way out.
"""


class PotstillError(Exception):
    """The root: what a user can mend, said in one line."""


class OptionError(PotstillError):
    """An option out of its range, or a choice that does not exist."""


class InputError(PotstillError):
    """A file, table or checkpoint that cannot be read as what it should be."""


class MissingError(InputError):
    """An object that a store does not hold."""


class DamagedError(InputError):
    """A Core ML package whose files do not hold what they should; no device executes it, either."""


class ArtifactError(PotstillError):
    """A folder that is not the sealed artifact a stage reads."""


class JobError(PotstillError):
    """A job on a cluster that failed, or cannot be started or reached."""


class ParityError(PotstillError):
    """An exported model that does not compute what its source computes."""


class VerdictError(PotstillError):
    """A measured model that does not meet its budgets."""
