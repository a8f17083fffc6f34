"""Time and people of an action from the command line: the same operations, the same refusals, said in one sentence."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from approvals.models import Absence, Action, Snooze
from approvals.web.story import sentence_of
from audit import queries as log
from tests import factories

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def run(capsys):
    def call(*words: str) -> str:
        call_command(*words)
        return capsys.readouterr().out

    return call


def test_what_waits_is_listed_and_shown_without_a_terminal_being_fooled(cast, run):
    action = factories.action("high", summary="Pay\x1b[2J\u202e now", args={"to": "a\u202eb"})
    listed = run("actions", "list", "--level", "critical")
    assert str(action.pk) in listed and "Pay<U+001B>[2J<U+202E> now" in listed
    shown = run("actions", "show", str(action.pk), "--by", "olga")
    assert action.digest in shown and '"a\\u202eb"' in shown and "you cannot decide it" in shown and "2 of reviewers" in shown
    assert run("actions", "list", "--agent", "nobody") == "Nothing waits\n"


def test_a_question_shows_which_answers_it_takes(cast, run):
    asks = factories.action(kind="question", args={"question": "How many?"}, answer_schema={"type": "integer", "maximum": 9})
    free = factories.action(kind="question", args={"question": "Why?"})
    shown = run("actions", "show", str(asks.pk))
    assert "takes answers that fit" in shown and '"maximum": 9' in shown
    assert "takes answers" not in run("actions", "show", str(free.pk))


def test_letters_that_look_like_others_are_marked_as_on_the_page(cast, run):
    """`p\u0430ypal` was printed as it looks; Russian is written in Russian."""
    action = factories.action(
        summary="Pay p\u0430ypal \u3164 now, \u041f\u0440\u0438\u0432\u0435\u0442", args={"to": "p\u0430ypal.example"}
    )
    marked = "Pay p\u0430<U+0430>ypal <U+3164> now, \u041f\u0440\u0438\u0432\u0435\u0442"
    assert marked in run("actions", "list") and marked in (shown := run("actions", "show", str(action.pk)))
    assert "marked to (letters of different alphabets" in shown


def test_a_reader_that_has_enough_is_no_error(cast, tmp_path):
    """`manage.py actions show ID | head` ended in a traceback."""
    made = subprocess.run(
        ["/bin/sh", "-c", f"{sys.executable} manage.py help | true"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )  # fmt: skip
    assert "BrokenPipe" not in made.stderr and "Traceback" not in made.stderr


def test_it_is_reserved_released_put_off_and_passed_on_by_whoever_is_named(cast, run):
    action = factories.action()
    pk = str(action.pk)
    assert "Reserved until" in run("actions", "reserve", pk, "--by", "rita")
    with pytest.raises(CommandError, match="rita has reserved this"):
        run("actions", "reserve", pk, "--by", "sam")
    assert run("actions", "release", pk, "--by", "rita") == "Given back\n"
    before = Action.objects.get(pk=pk).expires_at
    run("actions", "extend", pk, "--for", "10m", "--reason", "the bank is slow", "--by", "olga")
    assert (Action.objects.get(pk=pk).expires_at - before).total_seconds() == 600
    run("actions", "snooze", pk, "--for", "5m", "--by", "rita")
    assert Snooze.objects.get().user == cast.reviewer
    run("actions", "snooze", pk, "--off", "--by", "rita")
    assert run("actions", "pass-on", pk, "--to", "sam", "--reason", "knows the bank", "--by", "rita") == "Passed on to sam\n"
    (passed,) = [e for e in log.timeline(action=pk) if e.kind == "action.passed_on"]
    assert sentence_of(passed) == "Passed on to sam, in the stead of rita: knows the bank"
    assert Action.objects.get(pk=pk).reserved_by == cast.second


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("reserve", "{id}"), "Say who you are"),
        (("reserve", "{id}", "--by", "nobody"), "no account"),
        (("reserve", "{id}", "--by", "olga"), "This needs somebody of reviewers"),
        (("reserve", "no-id", "--by", "rita"), "no such action"),
        (("release", "{id}", "--by", "rita"), "have not reserved"),
        (("snooze", "{id}", "--for", "soon", "--by", "rita"), "no duration"),
        (("snooze", "{id}", "--for", "99999d", "--by", "rita"), "a week at most"),
        (("snooze", "{id}", "--off", "--by", "rita"), "have not snoozed"),
        (("extend", "{id}", "--by", "rita"), "Say why"),
        (("pass-on", "{id}", "--to", "rita", "--by", "rita"), "come back to you"),
        (("show", "\x00"), "no such action"),
        (("list", "--limit", "0"), "at least one"),
    ],
)
def test_what_is_refused_says_why_and_ends_with_one(cast, run, words, sentence):
    action = factories.action()
    with pytest.raises(CommandError, match=sentence) as refused:
        run("actions", *(word.format(id=action.pk) for word in words))
    assert refused.value.returncode == 1


def test_a_desk_is_left_to_somebody_and_taken_back(cast, run):
    action = factories.action()
    run("actions", "reserve", str(action.pk), "--by", "rita")
    assert run("people", "away", "rita", "--to", "sam", "--for", "2h", "--note", "at the dentist") == (
        "rita is away; 1 reserved actions went to sam\n"
    )
    with pytest.raises(CommandError, match="away already"):
        run("people", "away", "rita", "--to", "sam")
    assert run("people", "back", "rita") == "rita is back\n" and Absence.objects.get().ended_at
