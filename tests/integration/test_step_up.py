"""The ladder, enforced where decisions are made: how fresh, by what, typed, and signed for this very action."""

from dataclasses import replace

import pytest
from allauth.mfa.models import Authenticator

from approvals import ladder, passkeys, queries
from approvals.errors import BadRequest, Expired, NotFound, Stale, StepUp
from approvals.models import Challenge, Decision
from approvals.operations import sign_ins, step_up
from approvals.operations.claiming import Reopened, claim
from approvals.operations.step_up import Proof
from approvals.operations.verdicts import Also
from approvals.permissions import standing
from approvals.queries.sign_ins import BadProof, verify_proofs
from audit import queries as log
from tests import factories
from tests.authenticator import RP, SoftKey
from tests.factories import decide, signed_in
from tests.fakes import as_intruder, clock_moved, with_rules

PUT_CRITICAL = """
- name: all-critical
  match: {tools: [do_it]}
  at_least: critical
"""


def signed(action, by, key, **more):
    """What a browser sends after the passkey answered."""
    sign_in = more.pop("sign_in", None) or signed_in(by)
    asked = step_up.ask(action.pk, by=by, sign_in=sign_in, verdict="approve", seen_digest=action.digest, rp_id=RP)
    return factories.proof(action, by, sign_in=sign_in, nonce=asked["nonce"], assertion=key.sign(asked["publicKey"], **more))


@pytest.fixture
def critical(cast):
    return factories.action("critical")


@pytest.mark.parametrize(("level", "verdict"), [("medium", "approve"), ("high", "reject"), ("critical", "reject"), ("critical", "respond")])
def test_what_is_harmless_and_every_no_asks_nothing(cast, level, verdict):
    assert decide(factories.action(level), cast.reviewer, verdict, proof=Proof()).decision.proof == {}


def test_an_answer_to_a_risky_question_is_a_yes(cast, policy):
    policy.write_text(policy.read_text().replace("questions:\n  level: medium", "questions:\n  level: high"))
    question = factories.action("low", kind="question", args={"question": "Which?"})
    with pytest.raises(StepUp):
        decide(question, cast.reviewer, "respond", proof=Proof())
    decide(question, cast.reviewer, "respond", proof=Proof(signed_in(cast.reviewer)))


@pytest.mark.parametrize("level", ["high", "critical"])
@pytest.mark.parametrize("done", [True, False])
def test_taking_over_asks_for_as_much_of_the_person_as_approving(cast, level, done):
    action, also = factories.action(level), Also(done=done)
    with pytest.raises(StepUp if level == "high" else BadRequest):
        decide(action, cast.reviewer, "take_over", response="by hand", also=also, proof=Proof())
    old = factories.proof(action, cast.reviewer)
    with clock_moved(hours=2), pytest.raises((StepUp, Expired)):
        decide(action, cast.reviewer, "take_over", response="by hand", also=also, proof=old)
    assert not Decision.objects.exists()
    made = decide(action, cast.reviewer, "take_over", response="by hand", also=also).decision
    assert (made.proof["by"], made.proof.get("typed"), made.viewed) == ("password", True if level == "critical" else None, {})
    assert decide(factories.action(), cast.reviewer, "take_over", response="by hand", also=also, proof=Proof()).decision.proof == {}


def test_taking_over_something_critical_is_signed_by_whoever_has_a_passkey(cast, critical):
    key, sign_in = SoftKey().enrol(cast.reviewer), signed_in(cast.reviewer)
    asked = step_up.ask(critical.pk, by=cast.reviewer, sign_in=sign_in, verdict="take_over", seen_digest=critical.digest, rp_id=RP)
    proof = factories.proof(critical, cast.reviewer, sign_in=sign_in, nonce=asked["nonce"], assertion=key.sign(asked["publicKey"]))
    with pytest.raises(StepUp):  # a signature over taking over approves nothing
        decide(critical, cast.reviewer, proof=proof)
    made = decide(critical, cast.reviewer, "take_over", response="by hand", also=Also(done=True), proof=proof).decision
    assert made.proof["by"] == "passkey"


@pytest.mark.parametrize("level", ["high", "critical"])
def test_a_door_that_shows_nobody_decides_nothing(cast, level):
    action = factories.action(level)
    ended = signed_in(cast.reviewer)
    sign_ins.end(ended, by=cast.reviewer)
    for sign_in in ("", "nonsense", ended, signed_in(cast.second)):
        with pytest.raises(StepUp) as refused:
            decide(action, cast.reviewer, proof=factories.proof(action, cast.reviewer, sign_in=sign_in))
        assert refused.value.details["ask"] == "fresh"
    assert not Decision.objects.exists()


@pytest.mark.parametrize(
    ("level", "minutes", "enough"), [("high", 29, True), ("high", 31, False), ("critical", 4, True), ("critical", 6, False)]
)
def test_how_old_a_proof_may_be_is_asked_of_the_database(cast, settings, level, minutes, enough):
    settings.FRESH_HIGH_S = 1800
    action = factories.action(level)
    proof = factories.proof(action, cast.reviewer)
    with clock_moved(minutes=minutes):
        if enough:
            assert decide(action, cast.reviewer, proof=proof).decision.proof["by"] == "password"
            return
        with pytest.raises(StepUp, match=r"Confirm that it is you: what you wrote is kept"):
            decide(action, cast.reviewer, proof=proof)
    assert not Decision.objects.exists()


def test_confirming_makes_it_fresh_again(cast, settings):
    settings.FRESH_HIGH_S = 1800
    action = factories.action("high")
    proof = factories.proof(action, cast.reviewer)
    with clock_moved(minutes=50):
        assert sign_ins.prove(proof.sign_in, user=cast.reviewer, proof="password")
        decide(action, cast.reviewer, proof=proof)


def test_who_has_a_second_factor_is_asked_for_it(cast):
    action = factories.action("high")
    Authenticator.objects.create(user_id=cast.reviewer.pk, type="totp", data={"secret": "x"})
    for by in ("password", "login link", "single sign-on", "recovery code", ""):
        with pytest.raises(StepUp):
            decide(action, cast.reviewer, proof=Proof(signed_in(cast.reviewer, by)))
    assert decide(action, cast.reviewer, proof=Proof(signed_in(cast.reviewer, "authenticator code"))).resolved


def test_a_standing_approval_at_high_asks_for_as_fresh_a_proof(cast, settings):
    settings.FRESH_HIGH_S = 1800
    fresh = Proof(signed_in(cast.reviewer))
    step_up.check_grant("medium", who=standing(cast.reviewer), proof=Proof())
    step_up.check_grant("high", who=standing(cast.reviewer), proof=fresh)
    for proof, minutes in ((Proof(), 0), (Proof(signed_in(cast.second)), 0), (fresh, 31)):
        with clock_moved(minutes=minutes), pytest.raises(StepUp):
            step_up.check_grant("high", who=standing(cast.reviewer), proof=proof)


@pytest.mark.parametrize("typed", ["", "thi", "This", "this ", "do_it"])
def test_critical_is_typed_at_every_door(cast, critical, typed):
    with pytest.raises(BadRequest, match="not its name"):
        decide(critical, cast.reviewer, proof=factories.proof(critical, cast.reviewer, typed=typed))


def test_what_is_typed_is_the_authors_choice_not_the_agents(cast, policy):
    given = {"args": {"a": "min", "target": "prod-database"}, "summary": "Administer prod-database", "tool": "administer"}
    for names, wanted in ((("prod-database",), "prod-database"), ((), "administer"), (("pr\u043ed-database",), "administer")):
        action = factories.action("critical", names=names, **given)
        assert queries.action_detail(action.pk, reader=cast.reviewer).confirm == queries.shown(action.pk).confirm == wanted
        for typed in {"min", "Administer", "prod-database", "administer"} - {wanted}:
            with pytest.raises(BadRequest, match="not its name"):
                decide(action, cast.reviewer, proof=factories.proof(action, cast.reviewer, typed=typed))
        assert decide(action, cast.reviewer, proof=factories.proof(action, cast.reviewer, typed=wanted)).decision.proof["typed"]


def test_what_is_asked_again_at_critical_wants_the_targets_name_typed_as_if_it_had_been_critical_at_once(cast, policy):
    action = factories.approved(cast.reviewer)
    policy.write_text(with_rules(PUT_CRITICAL))
    with pytest.raises(Reopened):
        claim(action.pk, digest=action.digest)
    action.refresh_from_db()
    assert (action.level, queries.shown(action.pk).confirm) == ("critical", "this")


def test_an_envelope_of_before_still_opens_and_is_asked_again_by_its_tools_name(cast, policy, monkeypatch):
    monkeypatch.setattr(ladder, "confirm_of", lambda names, tool: "")
    action = factories.approved(cast.reviewer)
    monkeypatch.undo()
    policy.write_text(with_rules(PUT_CRITICAL))
    with pytest.raises(Reopened):
        claim(action.pk, digest=action.digest)
    assert queries.shown(action.pk).confirm == "do_it"


def test_a_passkey_signs_the_decision_and_an_auditor_can_check_it(cast, critical):
    key = SoftKey().enrol(cast.reviewer)
    kept = decide(critical, cast.reviewer, proof=signed(critical, cast.reviewer, key)).decision
    assert (kept.proof["by"], kept.proof["typed"]) == ("passkey", True)
    assert passkeys.holds(kept.proof, digest=critical.digest, verdict="approve")
    assert not passkeys.holds(kept.proof, digest="0" * 64, verdict="approve")
    assert not passkeys.holds(kept.proof, digest=critical.digest, verdict="reject")
    assert log.proofs_logged().keys() == {kept.nonce}
    assert list(verify_proofs(log.proofs_logged())) == [1]


def test_a_proof_changed_in_the_database_is_found(cast, critical):
    decide(critical, cast.reviewer, proof=signed(critical, cast.reviewer, SoftKey().enrol(cast.reviewer)))
    with as_intruder("approvals_decision") as cursor:
        cursor.execute("""UPDATE approvals_decision SET proof = jsonb_set(proof, '{by}', '"password"')""")
    assert isinstance(next(iter(verify_proofs(log.proofs_logged()))), BadProof)
    with as_intruder("approvals_decision") as cursor:
        cursor.execute("UPDATE approvals_decision SET proof = '{}'")
    assert isinstance(next(iter(verify_proofs(log.proofs_logged()))), BadProof)


def test_whoever_has_a_passkey_uses_it(cast, critical):
    SoftKey().enrol(cast.reviewer)
    with pytest.raises(StepUp) as refused:
        decide(critical, cast.reviewer, proof=factories.proof(critical, cast.reviewer, sign_in=signed_in(cast.reviewer, "passkey")))
    assert refused.value.details["ask"] == "passkey"


def test_an_installation_may_want_a_passkey_of_everybody(cast, critical, settings):
    settings.CRITICAL = "passkey"
    with pytest.raises(StepUp) as refused:
        decide(critical, cast.reviewer)
    assert refused.value.details["ask"] == "enrol"


def wrong_signatures(cast, action, key):
    """What somebody might send instead of the right thing, by name."""
    good = signed(action, cast.reviewer, key)
    other = factories.action("critical")
    yield "another key", signed(action, cast.reviewer, replace(SoftKey(), credential_id=key.credential_id))
    yield "another origin", signed(action, cast.reviewer, key, origin="http://evil.example")
    yield "nobody present", signed(action, cast.reviewer, key, flags=0x00)
    yield "not an assertion", signed(action, cast.reviewer, key, kind="webauthn.create")
    yield "another action's", replace(good, **vars_of(signed(other, cast.reviewer, key)))
    yield "its challenge with the other's signature", replace(good, assertion=signed(other, cast.reviewer, key).assertion)
    yield "another sign-in's", replace(good, sign_in=signed_in(cast.reviewer))
    yield "nothing", replace(good, assertion="")
    yield "no JSON", replace(good, assertion="{" * 9_000)
    yield "a list", replace(good, assertion="[]")
    yield "no challenge", replace(good, nonce="")


def vars_of(proof):
    return {"nonce": proof.nonce, "assertion": proof.assertion}


def test_nothing_else_is_a_signature_over_this_decision(cast, critical):
    key = SoftKey().enrol(cast.reviewer)
    for name, proof in wrong_signatures(cast, critical, key):
        with pytest.raises(StepUp):
            decide(critical, cast.reviewer, proof=proof)
        assert not Decision.objects.exists(), name


def test_a_signature_is_used_once_and_not_for_long(cast, critical):
    key = SoftKey().enrol(cast.reviewer)
    proof = signed(critical, cast.reviewer, key)
    with clock_moved(minutes=6), pytest.raises(StepUp, match="took too long"):
        decide(critical, cast.reviewer, proof=proof)
    decide(critical, cast.reviewer, proof=proof)
    assert Challenge.objects.get().used_at is not None


def test_a_challenge_is_for_what_the_person_sees_now(cast, critical):
    SoftKey().enrol(cast.reviewer)
    ask = {"by": cast.reviewer, "sign_in": signed_in(cast.reviewer), "verdict": "approve", "rp_id": RP}
    with pytest.raises(Stale):
        step_up.ask(critical.pk, seen_digest="0" * 64, **ask)
    with pytest.raises(StepUp):
        step_up.ask(critical.pk, seen_digest=critical.digest, **{**ask, "by": cast.second})
    decide(critical, cast.second, "reject")
    with pytest.raises(NotFound):
        step_up.ask(critical.pk, seen_digest=critical.digest, **ask)


def test_the_challenge_is_a_function_of_digest_verdict_and_nonce():
    one = ladder.challenge("a" * 64, "approve", "n")
    assert (
        len(
            {
                one,
                ladder.challenge("b" * 64, "approve", "n"),
                ladder.challenge("a" * 64, "reject", "n"),
                ladder.challenge("a" * 64, "approve", "m"),
            }
        )
        == 4
    )
