"""`potstill coreml predict | inspect | diff`: a package on the command line, with no Mac."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from tyro.conf import Positional, UseAppendAction, arg

from potstill.coreml.given_inputs import read_inputs
from potstill.coreml.inspection.answers import Answers, compare_answers
from potstill.coreml.inspection.difference import Difference, compare_facts, compare_weights
from potstill.coreml.inspection.difference_text import told as difference_told
from potstill.coreml.inspection.facts import Facts
from potstill.coreml.inspection.reading import read_facts
from potstill.coreml.inspection.sample import random_rows, token_rows
from potstill.coreml.inspection.text import told
from potstill.coreml.loading import load, prepare
from potstill.coreml.model import Model
from potstill.coreml.package import open_package
from potstill.coreml.predictions import Prediction, in_words, require_numbers, with_text
from potstill.coreml.texts import encoded, read_texts
from potstill.errors import InputError, OptionError
from potstill.one_line import one_line, refused_in_one_line
from potstill.plain_json import as_json
from potstill.told import DIFFERENT, SAME, Told

Optional = Annotated[Path | None, arg(metavar="PATH")]


@refused_in_one_line()
def inspect_package(package: Positional[Path], function: str = "", json: bool = False) -> Told:
    """Tell what a package says of itself: nothing is run, and no Mac is needed.

    Inputs with the lengths they take, outputs and labels; size by part of the model; how each weight is compressed;
    the oldest iOS that opens it; operators; metadata; and what may keep it off the Neural Engine, in plain words.
    Programs, pipelines (model by model) and old neural networks alike, also with operators that are not executed here.

      potstill coreml inspect model.int8.mlpackage

    Args:
        package: a .mlpackage folder or a .mlmodel file.
        function: which function of a package with several; empty: the default one.
        json: print all of it as one JSON object, every weight included.

    Raises:
        InputError: not a package, no such function, or a damaged package: what is known of it is told before.
    """
    facts = read_facts(open_package(package), function)
    return Told(_facts_told(facts, json))


@refused_in_one_line()
def predict(
    package: Positional[Path],
    text: UseAppendAction[tuple[str, ...]] = (),
    texts: Optional = None,
    inputs: Optional = None,
    function: str = "",
    json: bool = False,
) -> Told:
    """Run a package on texts, or on inputs as they are: the label and each label's probability.

    A text is tokenized by the tokenizer.json beside the package, cut and padded to a length that the package takes.

      potstill coreml predict model.int8.mlpackage --text 国足热身赛一比零取胜 --text 央行下调存款准备金率
      potstill coreml predict head.mlmodel --inputs features.json

    Args:
        package: a .mlpackage folder or a .mlmodel file.
        text: a text to classify; may be given again.
        texts: a file in UTF-8 with a text a line.
        inputs: a file with the inputs themselves: .json, an object of arrays by name or a list of such; or .npz.
        function: which function of a package with several; empty: the default one.
        json: print every output of each prediction, as a line of JSON.

    Raises:
        InputError: not a package, or inputs that it does not take.
        OptionError: nothing to predict, or two kinds of it.
    """
    if sum([bool(text), texts is not None, inputs is not None]) != 1:
        raise OptionError("what to predict is missing or given twice; pass one of --text, --texts and --inputs")
    model = load(package, function)
    found = _predictions(model, list(text) or (read_texts(texts) if texts else []), inputs)
    return Told(as_json(with_text(each)) if json else in_words(each) for each in found)


@refused_in_one_line()
def diff(
    first: Positional[Path],
    second: Positional[Path],
    tokens: Optional = None,
    inputs: Optional = None,
    rows: int = 16,
    function: str = "",
    json: bool = False,
) -> Told:
    """Tell in what two packages differ: description, metadata, operators, weights, and their answers.

    Both are run on the same inputs: rows of a test split, given ones, or ids drawn from a fixed seed. The exit code is
    0 where nothing differs at all, 1 where something does, and 2 where they cannot be compared.

      potstill coreml diff model.fp16.mlpackage model.int8.mlpackage --tokens runs/tokens --rows 256

    Args:
        first: a .mlpackage folder or a .mlmodel file.
        second: the one that it is compared with.
        tokens: tokens/v1; rows spread over its test split are the inputs.
        inputs: a file with inputs instead, as `potstill coreml predict` takes it.
        rows: how many rows of the tokens, or drawn ones, at least 1.
        function: which function of packages with several; empty: the default one.
        json: print the difference as one JSON object, every weight included.

    Raises:
        InputError: not packages, or inputs that they do not take.
        OptionError: inputs of two kinds, or fewer than one row.
    """
    if tokens and inputs:
        raise OptionError("both --tokens and --inputs are given; pass one of them, or neither")
    if rows < 1:
        raise OptionError(f"rows should be at least 1, got {rows}")
    found = _difference(first, second, tokens, inputs, rows, function)
    said = as_json({"same": found.none, **asdict(found)}, indent=2) if json else difference_told(first, second, found)
    return Told([said], SAME if found.none else DIFFERENT)


def _facts_told(facts: Facts, json: bool) -> Iterator[str]:
    yield as_json(asdict(facts), indent=2) if json else told(facts)
    if facts.damaged:
        raise InputError(one_line(facts.not_executed))


def _difference(
    first: Path, second: Path, tokens: Path | None, inputs: Path | None, rows: int, function: str
) -> Difference:
    packages = (open_package(first), open_package(second))
    description, metadata, operators = compare_facts(*(read_facts(each, function) for each in packages))
    models = (prepare(packages[0], function), prepare(packages[1], function))
    weights, same = compare_weights(*models)
    answers, not_run = _answers(models, tokens, inputs, rows)
    return Difference(tuple(description), tuple(metadata), tuple(operators), weights, same, answers, not_run)


def _answers(
    models: tuple[Model, Model], tokens: Path | None, inputs: Path | None, rows: int
) -> tuple[tuple[Answers, ...], str]:
    """Run both models; where nobody gave inputs and none can be drawn, say why."""
    if tokens:
        return compare_answers(*models, list(token_rows(tokens, rows, models))), ""
    if inputs:
        first, second = (read_inputs(inputs, model) for model in models)
        return compare_answers(*models, list(zip(first, second, strict=True))), ""
    try:
        return compare_answers(*models, list(random_rows(rows, models))), ""
    except InputError as refused:
        return (), str(refused)


def _predictions(model: Model, texts: list[str], inputs: Path | None) -> Iterator[Prediction]:
    description = model.package.described(getattr(model, "function", ""))
    label, shares = description.predictedFeatureName, description.predictedProbabilitiesName
    with refused_in_one_line():
        given: Iterable[Mapping[str, Any]] = read_inputs(inputs, model) if inputs else encoded(model, texts)
        for number, each in enumerate(given):
            found = Prediction(texts[number] if texts else "", model.predict(each), label, shares)
            require_numbers(found, model.package.path)
            yield found
