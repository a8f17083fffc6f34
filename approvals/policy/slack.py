"""What a policy says about Slack: where cards go, which arguments may stand in a channel, and up to which level buttons decide. Pure."""

from collections.abc import Collection, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Annotated, Literal

from pydantic import Field

from approvals.policy.basics import GroupName, Level, Strict

ChannelId = Annotated[str, Field(pattern=r"^[CG][A-Z0-9]{2,20}$")]
TeamId = Annotated[str, Field(pattern=r"^(T[A-Z0-9]{2,20})?$")]
Pattern = Annotated[str, Field(min_length=1, max_length=120)]
Place = tuple[str, str]  # team ("": none is named) and channel
FieldName = Annotated[str, Field(min_length=1, max_length=120)]


class SlackRoute(Strict):
    """One channel and what is posted there; what is not written narrows nothing."""

    channel: ChannelId
    team: TeamId = ""
    levels: tuple[Level, ...] = ()
    agents: tuple[Pattern, ...] = ()
    tools: tuple[Pattern, ...] = ()
    groups: tuple[GroupName, ...] = ()

    def fits(self, *, level: str, agent: str, tool: str, groups: Collection[str]) -> bool:
        return (
            (not self.levels or level in self.levels)
            and (not self.agents or _any(agent, self.agents))
            and (not self.tools or _any(tool, self.tools))
            and (not self.groups or bool(set(groups) & set(self.groups)))
        )


class SlackShow(Strict):
    """Arguments of some tools that may be read by everybody in a channel. `preview`: what the tool's own preview says may be, too."""

    tools: tuple[Pattern, ...] = Field(min_length=1, max_length=50)
    fields: tuple[FieldName, ...] = Field(min_length=1, max_length=50)
    preview: bool = False


class SlackRule(Strict):
    decide: Literal["off", "low", "medium"] = "medium"
    direct: bool = True
    channels: tuple[SlackRoute, ...] = Field(default=(), max_length=200)
    show: tuple[SlackShow, ...] = Field(default=(), max_length=200)

    def may_decide(self, level: str) -> bool:
        """Whether buttons in Slack may decide at this level; above medium they never do."""
        return self.decide != "off" and Level(level).rank <= Level(self.decide).rank

    def routes(self, *, level: str, agent: str, tool: str, groups: Collection[str]) -> list[SlackRoute]:
        """Where such an action is posted, each channel once."""
        found = {(r.team, r.channel): r for r in self.channels if r.fits(level=level, agent=agent, tool=tool, groups=groups)}
        return list(found.values())

    def leads_to(self, channel: str, *, level: str, agent: str, tool: str, fallback: str = "") -> bool:
        """Whether such an action belongs into this channel. Whose turn it is is not asked: that changes while it waits, and its card stays."""
        found = {r.channel for r in self.channels if r.fits(level=level, agent=agent, tool=tool, groups=r.groups)}
        return channel in (found or {fallback})

    def safe_fields(self, tool: str) -> frozenset[str]:
        """The top-level arguments of a tool that may stand in a channel."""
        return frozenset(name for one in self.show if _any(tool, one.tools) for name in one.fields)

    def shows_preview(self, tool: str) -> bool:
        """Whether the details of a tool's preview, made of arguments and of data, may stand in a channel."""
        return any(one.preview for one in self.show if _any(tool, one.tools))

    def places(self, *, fallback: str = "") -> list[Place]:
        """Where cards go at all. `fallback`: a channel for when no route is named."""
        found = [(r.team, r.channel) for r in self.channels] or ([("", fallback)] if fallback else [])
        return list(dict.fromkeys(found))


def home_of(place: Place, teams: Collection[str], known: Mapping[str, str]) -> str:
    """The workspace a route leads to, "" when nobody can tell: a channel belongs to one.

    A route that names none means the only one there is; of several, the one where the channel is known already, so that another workspace
    changes nothing for the first one's channels.

    Args:
        known: the workspace of each channel that was posted to before.
    """
    team, channel = place
    if not team:
        team = next(iter(teams)) if len(teams) == 1 else known.get(channel, "")
    return team if team in teams else ""


def _any(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
