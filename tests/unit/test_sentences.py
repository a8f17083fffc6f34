"""Sentences are English wherever they are kept, and told in the reader's language by the doors."""

import ast
import copy
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import translation

from agents import errors as agent_errors
from approvals import errors as approval_errors
from audit import canonical, languages
from audit.sentences import Frozen, Sentence, chain, listed, say
from tests.pseudo import pseudo_language

ROOT = Path(__file__).resolve().parents[2]
ONE_OF = Frozen("%(one)s of ⟨test⟩ %(n)d", "%(one)s of ⟨tests⟩ %(n)d")
INNER = Frozen("⟨test⟩ inner part")
OUTER = Frozen("⟨test⟩ holds: %(where)s", parts=["where"])


@pytest.fixture
def elsewhere() -> Iterator[None]:
    with pseudo_language():
        yield


def test_a_sentence_is_english_text_that_remembers_its_template():
    said = say("There are %(n)d of %(what)s at 100%%", n=12_000, what="them")
    assert said == "There are 12,000 of them at 100%"
    for same in (copy.copy(said), copy.deepcopy(said)):
        assert same == said and same.params == {"n": 12_000, "what": "them"}
    assert json.loads(canonical.dumps({"why": said})) == {"why": str(said)}


@pytest.mark.parametrize(("n", "text"), [(1, "1 call"), (0, "0 calls"), (2, "2 calls")])
def test_two_forms_are_told_apart_by_n(n, text):
    assert say("%(n)d call", "%(n)d calls", n=n) == text


def test_a_hole_that_is_not_filled_is_noticed():
    with pytest.raises(KeyError):
        say("%(a)s and %(b)s", a=1)


@pytest.mark.parametrize(("names", "text"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")])
def test_names_in_a_row(names, text):
    assert listed(names) == text
    assert chain("%(a)s; %(b)s", names) == "; ".join(names)


def test_told_goes_down_into_what_fills_the_holes(elsewhere):
    assert languages.told(say("It is %(state)s", state=say("done"))) == "⟦It is ⟦done⟧⟧"


def test_a_kept_sentence_is_found_again_as_plain_text(elsewhere):
    kept = str(ONE_OF(one="a%b", n=1_200))
    assert type(kept) is str and languages.told(kept) == "⟦a%b of ⟨tests⟩ 1,200⟧"
    assert languages.told(str(OUTER(where=f"{INNER()}, args.x"))) == "⟦⟨test⟩ holds: ⟦⟨test⟩ inner part⟧, args.x⟧"


def test_what_a_person_wrote_stays_as_it_is(elsewhere):
    assert languages.told("not of our making") == "not of our making"


def test_in_english_nothing_is_looked_up():
    with translation.override("en"):
        assert languages.told(Sentence("x", "⟨other⟩")) == "x"


def test_every_refusal_is_a_sentence_that_can_be_translated():
    """A named error with a bare text is shown in English whatever the reader's language is. What is wrong with a project's code is told to
    whoever imports it, at a terminal."""
    found = {name: value for module in (approval_errors, agent_errors) for name, value in vars(module).items() if isinstance(value, type)}
    names = {name for name, value in found.items() if issubclass(value, Exception)} - {"BadProject", "Held"}
    bare = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for room in ("approvals", "agents")
        for path in sorted((ROOT / room).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in names and node.args and _bare(node.args[0])
    ]
    assert bare == []


def _bare(first: ast.expr) -> bool:
    return isinstance(first, ast.JoinedStr) or (isinstance(first, ast.Constant) and isinstance(first.value, str))
