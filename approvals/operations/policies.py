"""Which policy is in force, and keeping every one that ever was."""

from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.db import transaction

from approvals.models import PolicyVersion
from approvals.policy.rules import Policy, load

_kept: set[str] = set()


def in_force() -> Policy:
    """The policy of the file named in settings; its source is stored the first time this process uses it.

    Raises:
        BadPolicy: the file was broken after start (start-up itself refuses a broken file).
    """
    path = settings.POLICY_FILE
    policy = _loaded(path, path.stat().st_mtime_ns)
    if policy.sha256 not in _kept:
        PolicyVersion.objects.bulk_create(
            [PolicyVersion(number=policy.data.version, sha256=policy.sha256, source=policy.source)],
            ignore_conflicts=True,
        )
        transaction.on_commit(lambda: _kept.add(policy.sha256))
    return policy


@lru_cache(maxsize=4)
def _loaded(path: Path, changed_ns: int) -> Policy:
    return load(path)
