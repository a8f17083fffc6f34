"""Accounts that may be one human, for an administrator to say; and those that were said to be."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from approvals.models import User


@dataclass(frozen=True)
class Alike:
    """Active accounts of different persons with the same e-mail address ("email") or the same full name ("name")."""

    by: str
    accounts: tuple[str, ...]


def alike() -> list[Alike]:
    users = list(User.objects.filter(kind=User.Kind.HUMAN, is_active=True).order_by("username"))
    return [*_sharing("email", users, lambda u: u.email), *_sharing("name", users, lambda u: u.get_full_name())]


def with_email_of(user: User) -> tuple[str, ...]:
    """Other active accounts with this account's address."""
    if not user.email:
        return ()
    others = User.objects.filter(kind=User.Kind.HUMAN, is_active=True, email__iexact=user.email).exclude(person=user.person)
    return tuple(others.order_by("username").values_list("username", flat=True))


def joined() -> list[tuple[str, ...]]:
    """The accounts of everybody who has several."""
    found: dict[str, list[str]] = defaultdict(list)
    for username, person in User.objects.filter(kind=User.Kind.HUMAN).order_by("username").values_list("username", "person"):
        found[person].append(username)
    return [tuple(names) for names in found.values() if len(names) > 1]


def _sharing(by: str, users: list[User], of: Callable[[User], str]) -> Iterator[Alike]:
    found: dict[str, list[User]] = defaultdict(list)
    for user in users:
        if value := of(user).strip().casefold():
            found[value].append(user)
    for same in found.values():
        if len({u.person for u in same}) > 1:
            yield Alike(by, tuple(u.username for u in same))
