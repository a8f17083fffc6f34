"""The database of a test process goes at last, though autovacuum is at work in it when it is to go."""

import psycopg
import pytest

from tests.databases import at_last


def refusing(times: int, error: type[psycopg.Error]):
    """An order that PostgreSQL refuses so often, and the list of its tries."""
    tries: list[bool] = []

    def order() -> None:
        tries.append(True)
        if len(tries) <= times:
            raise error("permission denied to terminate process")

    return order, tries


@pytest.mark.parametrize("error", [psycopg.errors.InsufficientPrivilege, psycopg.errors.ObjectInUse])
def test_what_is_in_the_way_for_a_moment_is_waited_for(error):
    order, tries = refusing(3, error)
    at_last(order, pause_s=0)
    assert len(tries) == 4


def test_what_stays_in_the_way_is_said_and_other_errors_at_once():
    order, tries = refusing(99, psycopg.errors.InsufficientPrivilege)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        at_last(order, tries=5, pause_s=0)
    assert len(tries) == 5
    order, tries = refusing(1, psycopg.errors.DuplicateDatabase)
    with pytest.raises(psycopg.errors.DuplicateDatabase):
        at_last(order, pause_s=0)
    assert len(tries) == 1
