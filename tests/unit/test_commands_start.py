"""How our commands start: without looking at every page, and whatever the policy file says."""

from pathlib import Path

import pytest
from django.core.management import load_command_class

from config.management import commands

NAMES = sorted(path.stem for path in Path(commands.__path__[0]).glob("[a-z]*.py"))
WITHOUT_A_PRODUCT = {"states", "vapid_keys"}  # for developers, and once in the life of an installation


@pytest.mark.parametrize("name", [name for name in NAMES if name not in WITHOUT_A_PRODUCT])
def test_a_command_makes_no_checks_of_its_own(name):
    """They load the whole API, and a policy file that is broken would refuse an order to halt."""
    assert load_command_class("config", name).requires_system_checks == ()
