"""What an approval was given under, held against the policy in force when it is used."""

from datetime import timedelta

import pytest

from approvals.envelopes import Envelope
from approvals.policy.basics import Level, NeedRule, RequirementRule, Rung
from approvals.policy.risk import Assessment
from approvals.resolution import Vote
from approvals.states import Verdict
from approvals.stricter import asks_more

ONE = (NeedRule(group="reviewers", count=1),)
THEN = Envelope(
    {
        "need": [{"group": "reviewers", "count": 1}],
        "risk": {"level": "medium"},
        "reason_for": ["reject"],
        "hold_s": 30,
        "delegates": ["operators"],
        "moments": [["2026-01-01T00:00:00+00:00", "escalate", "admins"]],
    }
)
ASKED = RequirementRule(need=ONE, deadline_s=60, hold_s=30, delegates=("operators",), escalate=(Rung(after="50%", to="admins"),))
LENT = Vote("p2", Verdict.APPROVE, frozenset({"reviewers"}), instead_of="p3")
MINE = Vote("p1", Verdict.APPROVE, frozenset({"reviewers"}))


def found(*, level=Level.MEDIUM, denied="", given=(MINE,), excluded=(), held_s=31, **changed):
    now = Assessment(40, level, (), ASKED.model_copy(update=changed), denied)
    return asks_more(now, THEN, given, excluded=excluded, held_for=timedelta(seconds=held_s))


@pytest.mark.parametrize(
    "same",
    [
        {},
        {"level": Level.LOW},
        {"need": ()},
        {"hold_s": 0},
        {"hold_s": 300, "held_s": 300},  # it could be taken back for as long as that
        {"delegates": ()},  # nobody stood in
        {"delegates": ("operators", "admins"), "given": (LENT,)},
        {"excluded": ("p9",)},
        {"deadline_s": 5},
    ],
)
def test_what_is_asked_as_then_or_less_stands(same):
    assert found(**same) == ""


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"denied": "rule x"}, "at all"),
        ({"verdicts": ("reject",)}, "at all"),
        ({"level": Level.HIGH}, "level is high"),
        ({"level": Level.CRITICAL, "need": ()}, "level is critical"),
        ({"need": (NeedRule(group="reviewers", count=2),)}, "more people"),
        ({"need": (*ONE, NeedRule(group="operators", count=1))}, "more people"),
        ({"need": (NeedRule(group="operators", count=1),)}, "more people"),
        ({"need": (NeedRule(group="reviewers", count=1, stage=2), NeedRule(group="operators", count=1))}, "more people"),
        ({"excluded": ("p1",)}, "excluded"),
        ({"excluded": ("p3",), "given": (LENT,)}, "excluded"),
        ({"delegates": (), "given": (LENT,)}, "stand in"),
        ({"escalate": ()}, "fill empty places"),
        ({"reason_for": ("approve", "reject")}, "reason"),
        ({"hold_s": 300}, "held for 300 s"),
        ({"given": (Vote("p4", Verdict.REJECT), MINE)}, "rejections"),
    ],
)
def test_whatever_is_asked_beyond_it_is_named(more, why):
    assert why in found(**more)


def test_the_same_people_in_another_turn_are_asked_again():
    then = Envelope({**THEN.data, "need": [{"group": "reviewers", "count": 1}, {"group": "operators", "count": 1, "stage": 2}]})
    turned = (NeedRule(group="operators", count=1), NeedRule(group="reviewers", count=1, stage=2))
    now = Assessment(40, Level.MEDIUM, (), ASKED.model_copy(update={"need": turned}))
    assert "in turn" in asks_more(now, then, (MINE,), excluded=(), held_for=timedelta(seconds=31))
