"""What votes add up to: a table, and what holds for every order of votes."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from approvals.resolution import Need, Vote, counting, resolve, tally
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
        (BOTH, [vote("a", YES, "operators", "reviewers")], None),
        (BOTH, [vote("a", YES, "operators", "reviewers"), vote("b")], YES),
        (BOTH, [vote("b"), vote("a", YES, "operators", "reviewers")], YES),
        (BOTH, [vote("a", YES, "operators", "reviewers"), vote("b", YES, "operators")], YES),
        (BOTH, [vote("a", YES, "operators", "reviewers"), vote("b", YES, "operators", "reviewers")], YES),
        ([], [], None),
        ([], [vote("policy", YES, by_policy=True)], YES),
        ([], [vote("a")], None),
        (TWO, [vote("policy", NO, by_policy=True)], NO),
    ],
)
def test_what_votes_add_up_to(needs, votes, verdict):
    assert resolve(needs, votes) is verdict


@settings(suppress_health_check=[HealthCheck.too_slow])  # a busy machine stalls
@given(st.lists(st.builds(vote, st.sampled_from("abc"), st.sampled_from(Verdict))))
def test_no_amount_of_approvals_outweighs_an_earlier_no(votes):
    first_final = next((v.verdict for v in votes if v.verdict is not YES), None)
    assert resolve(TWO, votes) is (first_final or (YES if len({v.person for v in votes}) > 1 else None))


def test_the_tally_says_what_is_still_missing():
    assert [(t.given, t.met) for t in tally(BOTH, [vote("a"), vote("b", NO, "operators")])] == [(1, True), (0, False)]


GROUPS = st.frozensets(st.sampled_from(["reviewers", "operators", "admins"]))


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.lists(
        st.builds(Need, st.sampled_from(["reviewers", "operators", "admins"]), st.integers(1, 2)), unique_by=lambda n: n.group, min_size=1
    ),
    st.dictionaries(st.sampled_from("abcde"), GROUPS),
    st.frozensets(st.sampled_from(["admins", "auditors"])),
)
def test_each_person_stands_for_one_group_in_the_way_that_meets_most(needs, people, escalated):
    votes = [Vote(person, YES, groups) for person, groups in people.items()]
    places = [n.group for n in needs for _ in range(n.count)]

    def most(left: list[str], people: list[frozenset[str]]) -> int:
        if not people:
            return 0
        fits = [i for i, group in enumerate(left) if group in people[0] or people[0] & escalated]
        return max([most(left, people[1:]), *(1 + most(left[:i] + left[i + 1 :], people[1:]) for i in fits)])

    found = tally(needs, votes, escalated=escalated)
    assert sum(t.given for t in found) == most(places, list(people.values()))
    assert all(t.given <= t.need.count for t in found)
    assert (resolve(needs, votes, escalated=escalated) is YES) == (sum(t.given for t in found) == len(places))


def test_one_of_an_escalated_group_fills_one_place_only():
    assert resolve(BOTH, [vote("x", YES, "admins")], escalated=["admins"]) is None
    assert resolve(BOTH, [vote("x", YES, "admins"), vote("y", YES, "admins", "operators")], escalated=["admins"]) is YES
    assert resolve(BOTH, [vote("x", YES, "admins"), vote("y", YES, "admins")]) is None


@pytest.mark.parametrize(("left", "given"), [("staff", 1), ("ops", 1)])
def test_a_vote_of_another_group_neither_fills_a_place_nor_keeps_one_from_being_filled(left, given):
    """Two stood in for one person; the later one is left with a group that nobody asked, or still counts."""
    votes = [
        Vote("olga", Verdict.APPROVE, frozenset({"ops"}), instead_of="rita"),
        Vote("paul", Verdict.APPROVE, frozenset({left}), instead_of="rita"),
    ]
    assert [t.given for t in tally([Need("ops", 2)], votes)] == [given]


def test_one_place_says_no_once():
    votes = [Vote("olga", Verdict.REJECT, frozenset({"ops"}), instead_of="rita"), Vote("rita", Verdict.REJECT, frozenset({"ops"}))]
    assert resolve([Need("ops", 2)], votes, rejections=2) is None


def test_a_no_in_somebodys_stead_is_not_taken_back_by_a_later_yes_in_it():
    votes = [
        Vote("olga", Verdict.REJECT, frozenset({"ops"}), instead_of="rita"),
        Vote("paul", Verdict.APPROVE, frozenset({"ops"}), instead_of="rita"),
    ]
    assert [v.person for v in counting([Need("ops", 1)], votes)] == ["olga"]
    mine = Vote("rita", Verdict.APPROVE, frozenset({"ops"}))
    assert counting([Need("ops", 1)], [*votes, mine]) == [mine]
