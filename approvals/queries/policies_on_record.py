"""Whether the published policies are what the log says was published, by whom and why: for `manage.py audit verify`. Reads only."""

import hashlib
from collections.abc import Iterator

from approvals.models import PolicyVersion
from approvals.queries.outcomes import Misstated
from audit import leaves
from audit import queries as log
from audit.sentences import say


def policies_on_record() -> Iterator[int | Misstated]:
    """Compare every published version with its leaf, and the log with the versions. Yields how many agree; a Misstated (`action` is its number) ends it."""
    told = {int(one.data["number"]): one for one in log.of_kinds("policy.published")}
    count = 0
    for row in PolicyVersion.objects.exclude(number=None).order_by("number").iterator(chunk_size=50):
        leaf = told.pop(row.number or 0, None)
        if leaf is None:
            yield Misstated(str(row.number), say("The log does not say that it was published"))
            return
        held = [row.sha256, row.justification, row.closed_name]
        if hashlib.sha256(row.source.encode()).hexdigest() != row.sha256 or not leaves.agrees(
            [leaf.data["sha256"], leaf.data.get("reason"), leaf.actor], held
        ):
            yield Misstated(str(row.number), say("The log says that another text was published, or by somebody else, or why"))
            return
        count += 1
    if told:
        yield Misstated(str(min(told)), say("The log says that it was published, and its row is gone"))
        return
    yield count
