"""Who did it, as the log knows it: text, so that deleting an account never erases its past. Pure."""

from dataclasses import dataclass

from audit.sentences import Frozen, say


@dataclass(frozen=True)
class Actor:
    """One author of an event.

    Attributes:
        kind: "human", "agent", "policy", "grant", "model" or "system".
        id: stable text id: the user's primary key, the policy's version, or a process name.
        name: how the log prints it.
    """

    kind: str
    id: str
    name: str


POLICY = Frozen("policy %(version)s", only={"version": "[^ ]+"})
AGENT = "agent:"  # how an agent's account is called
SYSTEM = Actor("system", "countersign", "Countersign")


def policy(version: str) -> Actor:
    """The policy in force, which decides what needs nobody."""
    return Actor("policy", version, POLICY(version=version))


def grant(number: int, name: str) -> Actor:
    """A standing approval, which speaks for the people who gave it; `name` says who they are."""
    return Actor("grant", str(number), name)


def model(name: str) -> Actor:
    """The model that was asked for a second opinion."""
    return Actor("model", name, name)


def spoken(name: str) -> str:
    """The name as people say it: the account of an agent is called by a name of ours."""
    return say("the agent %(name)s", name=name.removeprefix(AGENT)) if name.startswith(AGENT) else name
