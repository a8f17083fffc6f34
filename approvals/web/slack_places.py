"""What a policy's routes into Slack lack, in sentences: for the page of deliveries and for `manage.py slack_check`. Asks nobody."""

from collections.abc import Collection, Iterator, Mapping

from django.conf import settings
from django.utils.translation import gettext as _

from approvals.policy.slack import SlackRule, home_of

A_SECOND = "another"  # no workspace is called that


def nowhere(rule: SlackRule, teams: Collection[str], known: Mapping[str, str]) -> Iterator[str]:
    """Routes whose cards nobody can post; that there is no workspace at all is said elsewhere. `known`: where each channel is (`queries.slack.homes`)."""
    for team, channel in rule.places(fallback=settings.SLACK_CHANNEL) if teams else ():
        if home_of((team, channel), teams, known):
            continue
        if team:
            yield _(
                "No card goes to %(channel)s: the policy's route names the workspace %(team)s, where the app is not installed. Mend the "
                "route, or add the app there"
            ) % {"channel": channel, "team": team}
        else:
            yield _(
                "No card goes to %(channel)s: nobody knows in which workspace it is, for the app is in %(n)d. Name its team in the policy's route"
            ) % {"channel": channel, "n": len(teams)}


def with_another(rule: SlackRule, teams: Mapping[str, str], known: Mapping[str, str]) -> Iterator[str]:
    """What one more workspace would mean for the routes that name none. `teams`: the names of those there are."""
    for team, channel in rule.places(fallback=settings.SLACK_CHANNEL) if teams else ():
        if team:
            continue
        if home := home_of(("", channel), [*teams, A_SECOND], known):
            yield _("Cards for %(channel)s go on to %(name)s") % {"channel": channel, "name": teams[home]}
        else:
            yield _(
                "No card will go to %(channel)s: nothing was posted there yet, and nobody will know in which workspace it is. Name its team in "
                "the policy's route first"
            ) % {"channel": channel}
