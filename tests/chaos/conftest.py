"""The stack of the chaos tests: started once, looked into by every test, mended after each."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests import factories
from tests.chaos.stack import Stack, running
from tests.factories import Cast


@pytest.fixture(scope="session")
def product() -> Iterator[Stack]:
    with running() as stack:
        yield stack


@pytest.fixture
def stack(product: Stack, django_db_blocker: Any) -> Iterator[Stack]:
    """The running product; Django of this process looks into its database."""
    with django_db_blocker.unblock(), product.as_database():
        yield product
    product.broker.ensure()  # also when the test failed half-way: the next one is not about this
    product.crashes_no_more()
    for name, role in product.roles.items():
        if not role.running():
            product.again(name)


@pytest.fixture
def people(stack: Stack) -> Cast:
    everybody = factories.cast()
    factories.register()
    return everybody
