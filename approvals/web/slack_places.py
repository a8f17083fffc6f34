"""What a policy's routes into Slack lack, in sentences: for the page of deliveries and for `manage.py slack_check`. Asks nobody."""

from collections.abc import Collection, Iterator

from django.conf import settings
from django.utils.translation import gettext as _

from approvals.policy.slack import SlackRule


def nowhere(rule: SlackRule, teams: Collection[str]) -> Iterator[str]:
    """Routes whose cards nobody can post; that there is no workspace at all is said elsewhere."""
    for team, channel in rule.nowhere(teams, fallback=settings.SLACK_CHANNEL) if teams else ():
        if team:
            yield _(
                "No card goes to %(channel)s: the policy's route names the workspace %(team)s, where the app is not installed. Mend the "
                "route, or add the app there"
            ) % {"channel": channel, "team": team}
        else:
            yield _(
                "No card goes to %(channel)s: nobody knows in which workspace it is, for the app is in %(n)d. Name its team in the policy's route"
            ) % {"channel": channel, "n": len(teams)}
