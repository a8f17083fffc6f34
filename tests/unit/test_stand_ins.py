"""Whose places somebody could fill in another's stead, as the policy says it."""

from approvals.policy.rules import parse
from approvals.policy.stand_ins import asked, cover
from tests.fakes import policy_text

POLICY = {
    "medium": [{"group": "reviewers", "count": 1}],
    "high": [{"group": "reviewers", "count": 1}, {"group": "treasury", "count": 1}],
    "critical": [{"group": "board", "count": 1}],
}


def policy(*rules: dict, **delegates: list[str]):
    def change(data: dict) -> None:
        for level, need in POLICY.items():
            data["requirements"][level].update(need=need, delegates=delegates.get(level, []), escalate=[])
        data["rules"] = list(rules)

    return parse(policy_text(change)).data


def parts(data, absent, other):
    found = cover(data, absent=absent, other=other)
    return found.whole, found.partly, found.nowhere


def test_ones_own_groups_count_everywhere_and_others_nowhere():
    data = policy()
    assert parts(data, {"reviewers", "treasury", "auditors"}, {"reviewers"}) == (("reviewers",), (), ("treasury",))
    assert parts(data, {"operators"}, {"operators"}) == ((), (), ()) and not cover(data, absent={"operators"}, other={"operators"}).anything
    assert asked(data) >= {"reviewers", "treasury", "board"}


def test_stand_ins_of_the_policy_count_where_it_names_them():
    data = policy(medium=["operators"])
    assert parts(data, {"reviewers", "treasury"}, {"operators"}) == ((), ("reviewers",), ("treasury",))
    data = policy(medium=["operators"], high=["operators"])
    assert parts(data, {"reviewers", "treasury"}, {"operators"}) == (("reviewers", "treasury"), (), ())


def test_what_rules_ask_counts_as_well():
    extra = {"name": "lawyers-too", "require": {"need": [{"group": "legal", "count": 1}]}}
    other = {
        "name": "others", "match": {"tools": ["pay_*"]},
        "instead": {"need": [{"group": "treasury", "count": 1}], "delegates": ["clerks"], "escalate": [{"after": "50%", "to": "board"}]},
    }  # fmt: skip
    data = policy(extra, other)
    assert parts(data, {"legal"}, {"reviewers"}) == ((), (), ("legal",)) and parts(data, {"treasury"}, {"clerks"}) == (
        (),
        ("treasury",),
        (),
    )
    assert parts(data, {"board"}, {"clerks"}) == ((), ("board",), ())
    lent = policy(extra, low=["clerks"], medium=["clerks"], high=["clerks"], critical=["clerks"])
    assert "legal" in asked(lent)
