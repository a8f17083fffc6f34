"""The world of the attempts: everybody with sign-ins of every kind, and an action per level and state."""

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import Group
from django.db.models.functions import Now

from agents import operations as agents
from approvals import operations as approvals
from approvals.models import Action, SignIn, User
from approvals.operations import api_keys, halts, people, sign_ins
from approvals.operations.api_keys import OF_PERSON
from approvals.states import ActionState
from audit.actors import SYSTEM
from tests import factories
from tests.fakes import PolicyInForce, clock_moved, policy_text
from tests.integration.web.entitled.oracle import DECIDED_BY, LEVELS, STATES, Attempt

CHANNEL = "C0AI"
ARGS, EDITED_ARGS, OTHER_ARGS = {"what": "this"}, {"what": "that"}, {"what": "something else"}
ROUTES: dict[str, Any] = {"channels": [{"channel": CHANNEL}], "show": [{"tools": ["do_*"], "fields": ["what"]}]}


def held_and_told(policy: PolicyInForce) -> None:
    """Approvals are held, so that there is something to undo, and cards go to Slack."""

    def change(data: dict[str, Any]) -> None:
        data["slack"] = ROUTES
        for level in DECIDED_BY:
            data["requirements"][level]["hold_s"] = 600

    policy.write_text(policy_text(change))


class World:
    def __init__(self, cast: factories.Cast) -> None:
        self.cast = cast
        asker, owner = factories.another_reviewer(), factories.another_reviewer()
        slug = "somebody"
        agents.declare(slug=slug, title="Somebody", description="", environment="demo", tools=[], by=cast.admin, door="api")
        self.people: dict[str, User] = {
            **{name: getattr(cast, name) for name in ("reviewer", "second", "operator", "auditor", "admin", "outsider", "locked")},
            "requester": asker, "owner": owner, "twin": factories.another_reviewer(person=asker.person),
            "agent": people.ensure_agent_user(slug=slug), "finance": people.ensure_person(username="fay", roles=[]),
            "left": factories.another_reviewer(), "newcomer": factories.another_reviewer(), "editor": factories.another_reviewer(),
        }  # fmt: skip
        people.sync_groups(user=self.people["finance"], named={"finance"}, managed={"finance"})
        self.key = agents.make_key(agent=slug, name="its key", scopes=["propose", "read"], days=None, by=cast.admin, door="web")[1]
        self.tokens = {"agent": self.key, **{name: self._token(user) for name, user in self.people.items() if name != "agent"}}
        people.deactivate(username=self.people["left"].username, by=SYSTEM)
        self.sign_ins = {
            "none": dict.fromkeys(self.people, ""),
            **{kind: {name: factories.signed_in(user) for name, user in self.people.items()} for kind in ("fresh", "stale", "ended")},
        }
        self.sign_ins["somebody else's"] = {
            name: self.sign_ins["fresh"]["reviewer" if name == "second" else "second"] for name in self.people
        }
        self._age()
        self.actions: dict[tuple[str, str], Action] = {}
        self.seen: dict[tuple[str, str], str] = {}
        for level in LEVELS:
            for state in ("approved",) if level == "low" else STATES:
                self._add(level, state)
        # The order is given last: no other action of the agent could be decided while it holds.
        halts.halt(scope="agent", target="halted", reason="why", by=cast.operator, door="web")

    def _token(self, user: User) -> str:
        """Made while they could: an account was locked, or lost its role, afterwards."""
        User.objects.filter(pk=user.pk).update(is_active=True)
        role = Group.objects.get(name="auditors")
        had = role in user.groups.all()
        user.groups.add(role)
        made = api_keys.make(of=user, name="my token", scopes=OF_PERSON, days=30, by=user, door="web")[1]
        if not had:
            user.groups.remove(role)
        User.objects.filter(pk=user.pk).update(is_active=user.is_active)
        return made

    def _age(self) -> None:
        SignIn.objects.filter(pk__in=self.sign_ins["stale"].values()).update(proved_at=Now() - timedelta(hours=2))
        for name, one in self.sign_ins["ended"].items():
            sign_ins.left(one, user=self.people[name])

    def _add(self, level: str, state: str) -> None:
        """What is seen of it: an older digest where it was superseded, one that never was where it changed."""
        if state == "edited":
            action = self.actions[level, "superseded"]
        else:
            with clock_moved(hours=-3 if state == "expired" else 0):
                action = self._action(level, state)
        self.seen[level, state] = {"superseded": action.digest, "changed": "0" * 64}.get(state, "")
        if state == "superseded":
            self._edit(action)
        action.refresh_from_db()
        self.actions[level, state] = action
        self.seen[level, state] = self.seen[level, state] or action.digest

    def _action(self, level: str, state: str) -> Action:
        by = {"requested_by": self.people["requester"], "owner": self.people["owner"]}
        # A tool of its own: what was approved before lowers the score of what comes after.
        agent = "halted" if state == "halted" else "somebody"
        action = factories.action(level, agent=agent, tool=f"do_{state}_{level}", args=ARGS, **by)
        if level == "low":
            return action
        self._read(action)  # the newcomer opened nothing
        for person in DECIDED_BY[level] if state == "approved" else DECIDED_BY[level][:1] if state == "rejected" else ():
            factories.decide(action, getattr(self.cast, person), "approve" if state == "approved" else "reject")
        if state == "cancelled":
            approvals.close(action.pk, ActionState.CANCELLED, reason="not needed", door="web")
        if level == "critical" and state in {"voted", "superseded"}:
            factories.decide(action, self.cast.second)
        return action

    def _read(self, action: Action) -> None:
        for person in (self.cast.reviewer, self.cast.second):
            factories.read_all(action, person)

    def _edit(self, action: Action) -> None:
        """Other arguments, as a worker applies them."""
        by = self.people["editor"]
        wanted = approvals.request_edit(action.pk, by=by, seen_digest=action.digest, args=EDITED_ARGS, reason="better", door="web")
        figures = factories.LEVELS[action.level].get("figures", {})
        approvals.apply_edit(wanted.pk, args=EDITED_ARGS, summary="Do that", names=("this",), preview={}, figures=figures)
        action.refresh_from_db()
        self._read(action)

    def sign_in(self, a: Attempt) -> str:
        return self.sign_ins[a.proof][a.who]

    def action(self, a: Attempt) -> Action:
        return self.actions[a.level, a.state]

    def digest(self, a: Attempt) -> str:
        return self.seen[a.level, a.state]
