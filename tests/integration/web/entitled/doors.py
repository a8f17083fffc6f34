"""Each door as it stands: the form, the API with a session, a token and an agent's key, Slack, the set, the command line, a grant.

`Doors.try_it` sends one attempt and undoes what came of it; `Came` says whether anything was decided and all that was said.
"""

import html
import json
import uuid
from dataclasses import dataclass
from datetime import timedelta
from io import StringIO
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils.timezone import now

from approvals.errors import ApprovalError
from approvals.models import Action, SlackChannel, SlackMessage, SlackPerson, SlackTeam
from approvals.operations import granting
from approvals.operations.granting import Wanted
from approvals.operations.step_up import Proof
from approvals.slack import modals
from tests import factories
from tests.integration.api.conftest import Program
from tests.integration.web.entitled.oracle import DOORS, PROOFS, Attempt, one_person
from tests.integration.web.entitled.world import CHANNEL, OTHER_ARGS, World
from tests.slack.gestures import Answer, Gestures

TEAM = "T0HOME"
# Decisions and edits of it, its version, and who has reserved it: whatever an attempt could move.
_STOOD = """SELECT (SELECT count(*) FROM approvals_decision WHERE action_id = %(id)s), (SELECT count(*) FROM approvals_edit WHERE action_id = %(id)s),
version, reserved_by_id, state FROM approvals_action WHERE id = %(id)s"""


@dataclass(frozen=True)
class Came:
    """What came of an attempt. `status` 0: no HTTP there."""

    made: bool
    said: str
    status: int = 0


def stood(action: Action) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(_STOOD, {"id": action.pk})
        return cursor.fetchone()


class Doors:
    def __init__(self, world: World, team: SlackTeam, hands: Gestures) -> None:
        self.world, self.hands = world, hands
        self.cookies = {(who, proof): self._signed_in(who, proof) for who in world.people for proof in PROOFS}
        self._link(team)

    def try_it(self, a: Attempt) -> Came:
        """Undone afterwards, so that all meet the same world."""
        action = self.world.action(a)
        before = stood(action)
        with transaction.atomic():
            said, status = BY_DOOR[a.door](self, a, action)
            made = stood(action) != before or said == GIVEN
            transaction.set_rollback(True)
        return Came(made, said, status)

    def _signed_in(self, who: str, proof: str) -> str:
        client = Client()
        client.force_login(self.world.people[who], backend="django.contrib.auth.backends.ModelBackend")
        session = client.session
        session["sign_in"] = self.world.sign_ins[proof][who] or str(uuid.uuid4())
        session.save()
        return client.cookies[settings.SESSION_COOKIE_NAME].value

    # -- pages --------------------------------------------------------------------------------------

    def web(self, a: Attempt, action: Action) -> tuple[str, int]:
        name = {"edit": "action-edit", "undo": "action-undo"}.get(a.verdict, "action-decide")
        form = {
            "verdict": a.verdict, "seen_digest": self.world.digest(a), "reason": reason(a), "typed": typed(a), "key": "",
            "response": reason(a), "done": "yes" if a.verdict == "take_over" else "", "arg-what": OTHER_ARGS["what"],
        }  # fmt: skip
        return self._posted(a, reverse(name, args=[action.pk]), form)

    def bulk(self, a: Attempt, action: Action) -> tuple[str, int]:
        form = {f"m-{action.pk}": self.world.digest(a), "verdict": a.verdict, "reason": reason(a), "key": ""}
        return self._posted(a, reverse("bulk-decide"), form)

    def _posted(self, a: Attempt, path: str, form: dict[str, str]) -> tuple[str, int]:
        client = Client()
        client.cookies[settings.SESSION_COOKIE_NAME] = self.cookies[a.who, a.proof]
        answer = client.post(path, urlencode(form), content_type="application/x-www-form-urlencoded", HTTP_HX_REQUEST="true")
        return html.unescape(answer.content.decode()), answer.status_code

    # -- the API ------------------------------------------------------------------------------------

    def session(self, a: Attempt, action: Action) -> tuple[str, int]:
        program = Program()
        program.cookies[settings.SESSION_COOKIE_NAME] = self.cookies[a.who, a.proof]
        return self._rest(a, action, program)

    def token(self, a: Attempt, action: Action) -> tuple[str, int]:
        return self._rest(a, action, Program(self.world.tokens[a.who]))

    def key(self, a: Attempt, action: Action) -> tuple[str, int]:
        return self._rest(a, action, Program(self.world.key))

    def _rest(self, a: Attempt, action: Action, program: Program) -> tuple[str, int]:
        digest = self.world.digest(a)
        if a.verdict == "edit":
            status, body = program.post(f"/actions/{action.pk}/edits", {"digest": digest, "args": OTHER_ARGS, "reason": reason(a)})
        else:
            said = {"reason": reason(a), "response": reason(a) if a.verdict in {"respond", "take_over"} else "", "typed": typed(a)}
            done = {"done": True} if a.verdict == "take_over" else {}
            status, body = program.post(f"/actions/{action.pk}/decisions", {"verdict": a.verdict, "digest": digest, **said, **done})
        return f"{body.get('code', '')}:{body.get('detail', '')}", status

    # -- Slack --------------------------------------------------------------------------------------

    def _link(self, team: SlackTeam) -> None:
        """Everybody but the agent is linked, and a card of every action stands in the channel."""
        channel = SlackChannel.objects.create(team=team, name=CHANNEL, channel=CHANNEL)
        for action in set(self.world.actions.values()):
            SlackMessage.objects.create(
                channel=channel, kind="card", key=f"card:{action.pk}", action=action, ts=_ts(action), state="SENT", version=action.version
            )
        for who, user in self.world.people.items():
            self.hands.world.person(_slack(who), TEAM, who)
            if who != "agent":
                SlackPerson.objects.create(enterprise="", team=TEAM, slack_user=_slack(who), user=user)

    def slack(self, a: Attempt, action: Action) -> tuple[str, int]:
        """The card's button, drawn when it was; or the view this person opened then, whatever has become of them since."""
        user, world = _slack(a.who), self.hands.world
        world.views.clear()
        world.channels[CHANNEL].ephemeral.clear()
        if a.verdict == "approve":
            button = {"type": "button", "action_id": "approve", "value": f"{action.pk}:{self.world.digest(a)[:12]}"}
            card = {
                "blocks": [{"type": "actions", "block_id": "act", "elements": [button]}],
                "ts": _ts(action),
                "user": world.teams[TEAM].bot_user,
            }
            answer = self.hands.press(user, CHANNEL, _ts(action), "approve", seen=card)
            return " ".join(world.private(CHANNEL, user)) + _shown(answer), answer.status
        meta = json.dumps({"action": str(action.pk), "digest": self.world.digest(a), "choice": a.verdict})
        world.show(user, TEAM, {"type": "modal", "callback_id": modals.REVIEW, "private_metadata": meta, "blocks": []})
        values = {
            modals.CHOICE: _option(a.verdict),
            "reason": _text(reason(a)),
            "words": _text(reason(a)),
            "edit:what": _text(OTHER_ARGS["what"]),
        }
        answer = self.hands.submit(user, values)
        said = _shown(answer)
        if answer.body.get("response_action") == "push":  # an edit is shown first, and asked for then
            answer = self.hands.submit(user, {})
            said += _shown(answer)
        return said, answer.status

    # -- the command line, a grant ------------------------------------------------------------------

    def cli(self, a: Attempt, action: Action) -> tuple[str, int]:
        try:
            call_command("actions", a.verdict, str(action.pk), "--by", self.world.people[a.who].username, stdout=StringIO())
        except CommandError as refused:
            return str(refused), 0
        return "", 0

    def grant(self, a: Attempt, action: Action) -> tuple[str, int]:
        """Give one after this action; a like call is proposed then, every second time at the giver's own request."""
        giver, asker = self.world.people[a.who], self.world.people["requester"]
        figure = next(iter(factories.LEVELS[a.level].get("figures", {})), "")
        terms = Wanted("tool", 3, now() + timedelta(hours=1), figure=figure, total=10**6 if figure else None)
        try:
            seen = granting.draft(action.pk, terms, by=giver).terms.digest
            granting.give(action.pk, terms, seen=seen, reason=reason(a), by=giver, proof=Proof(self.world.sign_in(a)), door="web")
        except ApprovalError as refused:
            return f"{refused.code}:{refused.message}", 0
        like = {"agent": action.agent, "tool": action.tool, "owner": self.world.people["owner"], "args": OTHER_ARGS}
        own = factories.action(a.level, **like, requested_by=giver).state
        other = factories.action(a.level, **like, requested_by=asker).state
        passes = "PENDING" if a.state == "halted" or one_person(a.who, "requester") else "APPROVED"
        return (GIVEN if (own, other) == ("PENDING", passes) else f"own {own}, another's {other}"), 0


GIVEN = "given"  # and it let through exactly what it may
BY_DOOR = {name: getattr(Doors, name) for name in DOORS}


def reason(a: Attempt) -> str:
    return "because" if a.reason else ""


def typed(a: Attempt) -> str:
    return "this" if a.typed else "that"


def _ts(action: Action) -> str:
    return f"1700000000.{int(action.pk.hex[:5], 16):06d}"


def _slack(who: str) -> str:
    return f"U0{who.upper()}"


def _text(value: str) -> dict[str, Any]:
    return {"value": {"type": "plain_text_input", "value": value}}


def _option(value: str) -> dict[str, Any]:
    return {"value": {"type": "static_select", "selected_option": {"value": value}}}


def _shown(answer: Answer) -> str:
    return json.dumps(answer.body, ensure_ascii=False)
