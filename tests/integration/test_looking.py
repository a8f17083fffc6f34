"""What a look at an Agent Server reads of ours: what it names, and not all that was ever asked. The server itself is in tests/remote."""

import pytest

from agents.models import Pause, Run, Server, Thread
from agents.operations import looking
from agents.remote.reading import Waiting
from tests import factories
from tests.factories import call, decide, work

pytestmark = pytest.mark.usefixtures("agents")


@pytest.fixture
def server(db):
    return Server.objects.create(url="http://127.0.0.1:2024", hook="")


def there(cast, world, server, thread, *, over=False) -> tuple[Run, str]:
    """A run as if it stood on a thread there, and what it asked."""
    run, action = factories.waiting(cast.reviewer, call(label=thread), world=world)
    Thread.objects.create(run=run, server=server, thread=thread)
    if over:
        decide(action, cast.second, "reject")
        work()
    return run, Pause.objects.get(run=run).interrupt_id


def test_a_look_reads_what_it_names_and_not_all_that_was_ever_asked(cast, world, server, django_assert_num_queries):
    before = [there(cast, world, server, f"over {n}", over=True)[1] for n in range(3)]
    run, asked = there(cast, world, server, "open")
    there(cast, world, server, "open, and not named")
    named = [
        Waiting("open", "a", {asked: "d"}, ""),
        Waiting("over 1", "a", {before[1]: "d", "new": "d"}, ""),
        Waiting("new", "a", {"n": "d"}, ""),
    ]
    with django_assert_num_queries(2):
        known = looking._known(server, named)
    assert set(known) == {"open", "over 1"}
    assert (known["open"].run, set(known["open"].asks or ())) == (run, {asked})
    assert known["over 1"].run is None and known["over 1"].ever == {before[1]}
    assert not looking._known(server, [])


def test_of_a_thread_that_asked_much_before_only_what_it_asks_now_is_read(cast, world, server):
    _, first = there(cast, world, server, "long", over=True)
    _, second = there(cast, world, server, "long", over=True)
    assert looking._known(server, [Waiting("long", "a", {second: "d"}, "")])["long"].ever == {second} != {first}
