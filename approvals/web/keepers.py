"""What operators and administrators keep running: who they are, and a list of messages with chips by state and keyset pages.

The views of mails and pushes and of Slack use it; each draws its own lines.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from approvals import permissions
from approvals.web.http import Request


class Numbered(Protocol):
    """A row of such a list; its number is where the next page begins."""

    @property
    def id(self) -> int: ...


Row = TypeVar("Row", bound=Numbered)


@dataclass(frozen=True)
class Kept(Generic[Row]):
    """One page of it; `chips` are (address, word, whether it is chosen), `pager` is for `_pager.html`."""

    rows: Sequence[Row]
    chips: list[tuple[str, str, bool]]
    pager: dict[str, str]


def is_keeper(request: Request) -> bool:
    return bool(permissions.roles(request.user) & {permissions.OPERATORS, permissions.ADMINS})


def page_of(request: Request, words: Mapping[str, str], found: Callable[[str, int], Sequence[Row]], *, size: int) -> Kept[Row]:
    """The page that the address asks for; a state or a number that is none counts as not said.

    Args:
        words: what each state is called, "" first for all of them.
        found: gives rows of a state below a number (0: the newest), one more than a page holds if there are more.
    """
    url, state, before = request.path, request.GET.get("state", ""), request.GET.get("before", "")
    state = state if state in words else ""
    rows = found(state, int(before) if before.isascii() and before.isdigit() and len(before) < 18 else 0)
    kept = f"state={state}&" if state else ""
    older = f"{url}?{kept}before={rows[size - 1].id}" if len(rows) > size else ""
    chips = [(f"{url}?state={name}" if name else url, word, name == state) for name, word in words.items()]
    return Kept(rows[:size], chips, {"first_url": f"{url}?{kept}" if before else "", "next_url": older})
