"""Whether a verdict's judgements are those that its figures and the limits that were asked for lead to: none other.

What was timed or weighed in memory stands in figures.json alone: it is held against that, and nothing sealed.
"""

from collections.abc import Iterator, Mapping, Sequence
from math import isclose
from typing import Any

from potstill.evidence.limits import DEFAULTS, asked_for
from potstill.one_line import one_line
from potstill.verify.budget_rules import ABOVE, LOSSES, RULES, UNSEALED, Figures, Found, Rule
from potstill.verify.losses import loss_offences
from potstill.verify.policy import SWITCH

Judgement = Mapping[str, Any]
LIMITS = tuple(DEFAULTS)
NOTHING = "nothing was measured"
ROUNDED = 1e-9  # another processor may round the last bits otherwise
NEVER_LEFT_OUT = "max_accuracy_loss"  # who knows nothing of the loss has not passed


def contradictions(verdict: Mapping[str, Any], figures: Figures) -> Iterator[str]:
    """Name every judgement that cannot be, and every one that is not there.

    Args:
        verdict: verdict.json.
        figures: those of the sealed report; of time and memory, figures.json.
    """
    strange = [*_strange(verdict)]
    if strange:
        yield from strange
        return
    if not verdict["budgets"]:
        yield "no budget is judged, and nothing is proved by that"
    try:
        yield from [line for rule in RULES for line in _of_rule(rule, verdict, figures)]
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as broken:
        yield f"the figures cannot be judged again: {type(broken).__name__}: {one_line(str(broken))[:100]}"
    if list(verdict["failures"]) != failures_of(verdict["budgets"]):
        yield "its failures are not those of its judgements"


def asked_limits(verdict: Mapping[str, Any]) -> dict[str, Any]:
    """Return the limits that a verdict was asked to judge by."""
    return asked_for(verdict["limits"])


def told_limits(verdict: Mapping[str, Any]) -> str:
    """Tell the limits that were asked for, in a line."""
    asked = [name if limit is True else f"{name} {limit:g}" for name, limit in asked_limits(verdict).items()]
    return f"under the limits that its releaser chose: {', '.join(asked)}"


def failures_of(judgements: Sequence[Judgement]) -> list[str]:
    """Name each budget that is not a pass in a line of its own, failed ones first, as validate does."""
    ranked = sorted(
        (each for each in judgements if each["verdict"] != "pass"), key=lambda each: each["verdict"] != "fail"
    )
    return [_line(each) for each in ranked]


def _line(judgement: Judgement) -> str:
    undecided = " (inconclusive)" if judgement["verdict"] == "inconclusive" else ""
    detail = f" ({judgement['detail']})" if judgement["detail"] else ""
    facts = f"{judgement['measured']}, wanted {judgement['wanted']}{detail}"
    advice = f". Try: {judgement['advice']}" if judgement["advice"] else ""
    return f"{judgement['name']}{undecided}: {judgement['model']} has {facts}{advice}"


def _strange(verdict: Mapping[str, Any]) -> Iterator[str]:
    """What is no figure, and budgets that nobody knows: neither can be held against anything."""
    known = {rule.name for rule in RULES}
    for each in verdict["budgets"]:
        if each["name"] not in known:
            yield f"{each['name']} of {each['model']}: no budget that this potstill knows"
        if not (_is_figure(each["value"]) and _is_figure(each["limit"])):
            yield f"{each['name']} of {each['model']}: value and limit must be numbers or null"
    yield from (f"limits: {name} is missing" for name in LIMITS if name not in verdict["limits"])
    for name, limit in sorted(verdict["limits"].items()):
        if name not in LIMITS:
            yield f"limits: {name} is no budget that this potstill knows"
        elif not (isinstance(limit, bool) if name == SWITCH else _is_figure(limit)):
            yield f"limits: {name} must be {'true or false' if name == SWITCH else 'a number or null'}"
    level = verdict["limits"].get("confidence")
    if not (_is_figure(level) and level is not None and 0.5 <= level < 1):
        yield "limits: confidence must be in [0.5, 1)"


def _is_figure(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _of_rule(rule: Rule, verdict: Mapping[str, Any], figures: Figures) -> Iterator[str]:
    """Hold all judgements of one budget against what the figures give."""
    asked = verdict["limits"][rule.name]
    told = [each for each in verdict["budgets"] if each["name"] == rule.name]
    if rule.name not in asked_limits(verdict):
        yield from (f"{rule.name} is judged, and was not asked for" for _ in told[:1])
        return
    limit = _limit(rule, asked, figures)
    found = [(name, each) for name in rule.models(figures) for each in rule.measure(figures, name) if limit is not None]
    if not found or limit is None:
        yield from _of_nothing(rule, told, asked, figures)
        return
    found, told = sorted(found, key=lambda each: each[0]), sorted(told, key=lambda each: str(each["model"]))
    wanted, judged = [name for name, _ in found], [str(each["model"]) for each in told]
    if wanted != judged:
        lost = "is not judged" if not told else f"is judged of {', '.join(judged)}"
        yield f"{rule.name} was asked for and measured of {', '.join(wanted)}, and {lost}"
        return
    for (name, figure), each in zip(found, told, strict=True):
        yield from (f"{rule.name} of {name}: {line}" for line in _of_figure(rule, each, figure, limit))
        if rule.name in LOSSES and each["value"] is not None:
            level = verdict["limits"]["confidence"]
            yield from (f"{rule.name} of {name}: {line}" for line in loss_offences(each, figures, level))


def _limit(rule: Rule, asked: Any, figures: Figures) -> float | None:
    """The limit that was asked for; of a rival, what the rival reached."""
    if rule.bound != ABOVE:
        return float(asked)
    rival = figures["models"].get("tfidf")
    return None if rival is None else float(rival["accuracy"])


def _of_nothing(rule: Rule, told: list[Judgement], asked: Any, figures: Figures) -> Iterator[str]:
    """A budget that was asked for by name, and of which nothing was measured, has failed."""
    needed = asked != DEFAULTS[rule.name] or rule.name == NEVER_LEFT_OUT
    if len(told) > 1 or (needed and not told):
        yield f"{rule.name} was asked for, nothing was measured for it, and it has {len(told)} judgements"
    for each in told[:1]:
        if each["verdict"] == "pass":
            yield f"{rule.name} of {each['model']}: a pass, of which nothing was measured"
        elif (each["value"], each["measured"], each["model"]) != (None, NOTHING, figures["final"]):
            yield f"{rule.name} of {each['model']}: the figures say that {NOTHING}"


def _of_figure(rule: Rule, told: Judgement, found: Found, limit: float) -> Iterator[str]:
    """Hold one judgement against its figure, in numbers and in words."""
    if told["limit"] is None or float(told["limit"]) != limit:
        yield f"judged by {told['limit']}, {'TF-IDF has' if rule.bound == ABOVE else 'asked for was'} {limit}"
    if told["value"] is None:
        yield f"a {told['verdict']}, of which nothing was measured"
        return
    said = {"unit": rule.unit.name, "wanted": rule.wanted(limit)}
    if rule.name not in LOSSES:
        if not isclose(told["value"], found.value, rel_tol=ROUNDED, abs_tol=ROUNDED):
            where = "figures.json has" if rule.name in UNSEALED else "the sealed report has"
            yield f"judged at {told['value']}, {where} {found.value}"
        if told["verdict"] != ("pass" if rule.met(told["value"], limit) else "fail"):
            yield f"a {told['verdict']}, at {told['value']} where wanted is {said['wanted']}"
        said["measured"] = (found.words or rule.unit.figure(found.value, limit)) + found.where
        said["detail"] = found.detail
    for name, words in said.items():
        if told[name] != words:
            yield f"{name} is {told[name]!r}, the figures say {words!r}"
    if bool(told["advice"]) == (told["verdict"] == "pass"):
        yield "advice is for what is no pass"
