"""What votes add up to: a table, and what holds for every order of votes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.resolution import Need, Vote, resolve, tally
from approvals.states import Verdict

YES, NO, SAY = Verdict.APPROVE, Verdict.REJECT, Verdict.RESPOND
ONE = [Need("reviewers", 1)]
TWO = [Need("reviewers", 2)]
BOTH = [Need("reviewers", 1), Need("operators", 1)]


def vote(person: str, verdict: Verdict = YES, *groups: str, by_policy: bool = False) -> Vote:
    return Vote(person, verdict, frozenset(groups or {"reviewers"}), by_policy)


@pytest.mark.parametrize(
    ("needs", "votes", "verdict"),
    [
        (ONE, [], None),
        (ONE, [vote("a")], YES),
        (ONE, [vote("a", NO)], NO),
        (ONE, [vote("a", SAY)], SAY),
        (ONE, [vote("a", YES, "operators")], None),
        (TWO, [vote("a")], None),
        (TWO, [vote("a"), vote("a")], None),
        (TWO, [vote("a"), vote("b")], YES),
        (TWO, [vote("a"), vote("b", NO)], NO),
        (TWO, [vote("a", NO), vote("b"), vote("c")], NO),
        (BOTH, [vote("a")], None),
        (BOTH, [vote("a"), vote("b", YES, "operators")], YES),
        (BOTH, [vote("a", YES, "operators", "reviewers")], YES),
        ([], [], None),
        ([], [vote("policy", YES, by_policy=True)], YES),
        ([], [vote("a")], None),
        (TWO, [vote("policy", NO, by_policy=True)], NO),
    ],
)
def test_what_votes_add_up_to(needs, votes, verdict):
    assert resolve(needs, votes) is verdict


@given(st.lists(st.builds(vote, st.sampled_from("abc"), st.sampled_from(Verdict))))
def test_no_amount_of_approvals_outweighs_an_earlier_no(votes):
    first_final = next((v.verdict for v in votes if v.verdict is not YES), None)
    assert resolve(TWO, votes) is (first_final or (YES if len({v.person for v in votes}) > 1 else None))


def test_the_tally_says_what_is_still_missing():
    assert [(t.given, t.met) for t in tally(BOTH, [vote("a"), vote("b", NO, "operators")])] == [(1, True), (0, False)]
