"""What a job does: a training stage's command line, and the name that the same work always has."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

COMMAND = ("python", "-m", "potstill.remote")
DIGITS = 12  # of the digest in a job's name; pods are named after the job, and 63 letters are all they may have


@dataclass(frozen=True)
class Work:
    """A stage with all its options, its folders by URI or path.

    Attributes:
        stage: the stage's name, as on the command line.
        image: the image of the pods.
        folders: the stage's inputs and its output, by parameter.
        options: the stage's options, by parameter.
        measures: where the stage's measures are written, as JSON.
        digests: digest of each input, by parameter, so that other inputs under the same URI are other work.
    """

    stage: str
    image: str
    folders: Mapping[str, str]
    options: Mapping[str, str | int | float | bool]
    measures: str
    digests: Mapping[str, str] = field(default_factory=dict)

    @property
    def arguments(self) -> list[str]:
        """What follows COMMAND: every option is written out, so that a job tells all it was asked."""
        given = {**self.folders, **self.options}
        options = [f"--{name.replace('_', '-')}={_word(value)}" for name, value in given.items()]
        return [f"--measures={self.measures}", self.stage, *options]

    @property
    def job_name(self) -> str:
        """The stage and a digest of image, arguments and inputs.

        KFP gives the output of each step of each run a URI of its own, and keeps it in a retry: a retry finds its job,
        and another run does not.
        """
        identity = {"image": self.image, "arguments": self.arguments, "inputs": dict(self.digests)}
        text = json.dumps(identity, sort_keys=True)
        return f"{self.stage}-{hashlib.sha256(text.encode()).hexdigest()[:DIGITS]}"


def _word(value: str | float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
