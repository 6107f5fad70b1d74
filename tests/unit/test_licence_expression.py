"""Licence expressions: joined, they ask for neither more nor less than each of them does."""

import itertools
import random
import re

import pytest

from potstill.licence_expression import DEEPEST, LONGEST, joined, read_expression
from potstill.licences import UNDECLARED, Licence, strictest, terms_of

NAMES = ("MIT", "Apache-2.0", "GPL-3.0-only", "LicenseRef-x")
PERMITTED = [set(some) for count in range(len(NAMES) + 1) for some in itertools.combinations(NAMES, count)]


def slow_holds(expression, permitted):
    """Whether who may use these licences may use what is under the expression: Python's own words and brackets."""

    def word(found):
        return found[0].lower() if found[0].lower() in ("and", "or") else str(found[0] in permitted)

    return eval(re.sub(r"[A-Za-z0-9.-]+", word, expression))


def expression(dice, depth=3):
    """A random expression, with brackets that are needed, that are not, and that are missed."""
    if depth == 0 or dice.random() < 0.3:
        return dice.choice(NAMES)
    parts = [expression(dice, depth - 1) for _ in range(dice.randint(2, 3))]
    written = dice.choice([" AND ", " OR ", " and ", " or "]).join(parts)
    return f"({written})" if dice.random() < 0.5 else written


@pytest.mark.parametrize("seed", range(200))
def test_a_joined_expression_holds_exactly_where_each_does(seed):
    dice = random.Random(seed)
    given = [expression(dice) for _ in range(dice.randint(1, 4))]
    whole = strictest(Licence(each, "open") for each in given).expression
    for permitted in PERMITTED:
        assert slow_holds(whole, permitted) == all(slow_holds(each, permitted) for each in given), (given, whole)


@pytest.mark.parametrize("seed", range(100))
def test_what_is_written_is_read_as_the_same(seed):
    dice = random.Random(seed)
    found = read_expression(expression(dice, 4))
    assert read_expression(str(found)) == found
    assert joined(found.terms) == str(found)
    assert read_expression(found.as_part) == found


@pytest.mark.parametrize("seed", range(100))
def test_an_ancestor_s_terms_are_among_those_of_its_descendant(seed):
    dice = random.Random(seed)
    given = [Licence(expression(dice), "open") for _ in range(3)]
    last = strictest([strictest(given[:2]), given[2]])
    assert all(terms_of(each) <= terms_of(last) for each in given)
    assert last == strictest(reversed(given)) == strictest([last, *given])


@pytest.mark.parametrize(
    ("given", "whole"),
    [
        (["MIT"], "MIT"),
        (["b AND a", "a AND c"], "a AND b AND c"),
        (["LicenseRef-m3e-research-only", "Apache-2.0"], "Apache-2.0 AND LicenseRef-m3e-research-only"),
        (["GPL-3.0-only", "MIT OR Apache-2.0"], "(Apache-2.0 OR MIT) AND GPL-3.0-only"),
        (["MIT OR Apache-2.0", "Apache-2.0 or MIT"], "Apache-2.0 OR MIT"),
        (["(LGPL-2.1-only AND MIT) OR Apache-2.0", "MIT"], "((LGPL-2.1-only AND MIT) OR Apache-2.0) AND MIT"),
        (["LGPL-2.1-only and MIT or Apache-2.0"], "(LGPL-2.1-only AND MIT) OR Apache-2.0"),
        (["((MIT))", "(MIT and X)"], "MIT AND X"),
        (["A OR (B OR A)"], "A OR B"),
        (["GPL-2.0+ with Classpath-exception-2.0 and MIT"], "GPL-2.0+ WITH Classpath-exception-2.0 AND MIT"),
        (["GPL-2.0+", "DocumentRef-a:LicenseRef-b.c"], "DocumentRef-a:LicenseRef-b.c AND GPL-2.0+"),
    ],
)  # fmt: skip
def test_an_expression_has_one_form(given, whole):
    assert strictest(Licence(each, "open") for each in given).expression == whole


MALFORMED = {
    "": "a licence is missing at its end",
    " ": "a licence is missing at its end",
    "()": "a licence is missing before )",
    "MIT AND": "a licence is missing at its end",
    "or MIT": "a licence is missing before or",
    "MIT AND OR Apache-2.0": "a licence is missing before OR",
    "MIT AND AND Apache-2.0": "a licence is missing before AND",
    "MIT And Apache-2.0": "'And' follows where AND, OR or the end is wanted",
    "MIT Apache-2.0": "'Apache-2.0' follows where",
    "(MIT": "a bracket is not closed",
    "(MIT Apache-2.0)": "'Apache-2.0' follows where AND, OR or a closing bracket",
    "MIT)": "a bracket is closed that was not opened",
    "(MIT))": "a bracket is closed that was not opened",
    "MIT (X)": "'(' follows where",
    "MIT WITH": "an exception is missing at its end",
    "MIT WITH (X)": "an exception is missing before (",
    "(MIT) WITH X": "'WITH' follows where",
    "MIT/X11": "'MIT/X11' is not a licence",
    "MIT;": "'MIT;' is not a licence",
    "MIT\nAND X": "is not a licence",
    "MIT\u00a0AND X": "is not a licence",
    "专有": "is not a licence",
    "LicenseRef-": "is not a licence",
    "LicenseRef-x+": "is not a licence",
    "(" * (DEEPEST + 1) + "MIT" + ")" * (DEEPEST + 1): "brackets lie more than",
    "(" * 9000 + "MIT": "brackets lie more than",
    "A" * (LONGEST + 1): "characters, of which",
    " OR ".join(["A AND B"] * 1300): "characters, of which",
}


@pytest.mark.parametrize("text", MALFORMED, ids=lambda text: text[:30])
def test_what_is_no_expression_is_refused(text):
    with pytest.raises(ValueError, match=re.escape(MALFORMED[text])):
        read_expression(text)


def test_what_would_be_written_deeper_than_is_read_is_refused():
    """Brackets are put where AND lies within OR, so that a deep expression may have twice as many."""
    deep = "A"
    for number in range(DEEPEST - 1):
        deep = f"(B{number} OR C AND {deep})"
    with pytest.raises(ValueError, match="brackets lie more than"):
        read_expression(deep)


@pytest.mark.parametrize("text", [*MALFORMED, "MIT; DROP\x1b[31m\u202e" * 1000], ids=lambda text: text[:30])
def test_a_licence_that_is_no_expression_is_named_in_one_line(text):
    with pytest.raises(ValueError, match="licence must be an SPDX expression such as MIT") as refused:
        terms_of(Licence(text, "open"))
    said = str(refused.value)
    assert said.isprintable()
    assert len(said) < 400


def test_the_strictest_use_rules():
    assert strictest([UNDECLARED, Licence("MIT OR X", "open")]) == Licence(
        "(MIT OR X) AND LicenseRef-undeclared", "undeclared"
    )
