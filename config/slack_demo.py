"""The demo's Slack, from the product's side: the app installed in it, the demo's people linked, a policy that shows some arguments there.

For `make run SLACK=demo` only: whoever opens the page of that Slack presses as whom they like, so it is refused outside of the demo.
"""

from dataclasses import dataclass

from django.conf import settings

from agents.queries import known_to_policies
from approvals.errors import ApprovalError
from approvals.operations import people, policies, publishing, slack_installs, slack_owing, slack_people
from approvals.operations.slack_people import Identity
from approvals.policy.slack import SlackRule
from approvals.queries import slack as queries
from approvals.slack.installing import from_bot_token
from config import demo

TEAM, SECOND = "T0HOME", "T0SECOND"  # the second is there to be added by OAuth
LINKED = {"m.chen": "U0MEI", "j.ruiz": "U0JORGE", "o.hart": "U0OLIVE", "s.adeyemi": "U0SADE"}
CARDS = 12
SHOWN = """
# What the demo's Slack shows (SLACK=demo). Everything else of a call stays out of the channels.
slack:
  channels:
    - {channel: C0AI, levels: [low, medium]}
    - {channel: C0RISK, levels: [high, critical]}
  show:
    - {tools: [refund_payment, issue_store_credit], fields: [order_id, ticket_id, amount_cents, currency, reason], preview: true}
    - {tools: [escalate], fields: [ticket_id, team, reason]}
"""


class NoDemo(Exception):
    """This is no demo; the sentence says so."""


@dataclass(frozen=True)
class Begun:
    linked: int
    cards: int


def begin() -> Begun:
    """A Slack that has just started knows nothing: everything is posted to it anew. Raises NoDemo, NotSent."""
    if not settings.DEMO:
        raise NoDemo(
            "This is not the demo (COUNTERSIGN_DEMO): make run SLACK=demo does this by itself; a real workspace is connected as docs/slack.md says"
        )
    cast = demo.ensure_cast()
    slack_installs.remove(TEAM, by=None, door="cli")
    from_bot_token(settings.SLACK_BOT_TOKEN, by=cast[demo.OWNER])
    linked = sum(_link(username, slack_user) for username, slack_user in LINKED.items())
    _show()
    return Begun(linked, slack_owing.owe_waiting(policies.in_force().data.slack, most=CARDS, fallback=settings.SLACK_CHANNEL))


def end() -> None:
    """Forget its workspaces and who is who in them."""
    for team in (TEAM, SECOND):
        slack_installs.remove(team, by=None, door="cli")
    for row in queries.linked_people():
        if row.team in {TEAM, SECOND}:
            slack_people.lost(Identity(row.enterprise, row.team, row.slack_user))


def _link(username: str, slack_user: str) -> bool:
    """By a code, as everybody. False when they are linked already."""
    user = people.find(username)
    if user is None or queries.person(enterprise="", team=TEAM, slack_user=slack_user):
        return False
    slack_people.link(slack_people.make_code(by=user), identity=Identity("", TEAM, slack_user))
    return True


def _show() -> None:
    """Two administrators publish what may stand in the channels, unless somebody has said so already."""
    current = policies.in_force()
    if current.data.slack != SlackRule():
        return
    first, second = (people.find(name) for name in ("s.adeyemi", "k.lind"))
    if first is None or second is None:
        return
    why = "The demo's Slack may show what refunds, credits and escalations are about"
    try:
        known = known_to_policies()
        made = publishing.propose(current.source + SHOWN, justification=why, known=known, by=first, door="cli")
        publishing.publish(made.pk, known=known, by=second, door="cli")
    except ApprovalError:
        return  # somebody changes the policy at this moment, or has written something that does not go with it: cards only open to review
