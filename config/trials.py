"""What a back-test found, as lines for a terminal."""

from collections.abc import Iterator

from approvals.policy import differing
from approvals.policy.replay import Tally
from config.commands import shown

LISTED = 20


def report(tally: Tally, seconds: float) -> Iterator[str]:
    """The figures, what differs, which change makes the difference, and the first actions with what would be asked otherwise."""
    already = f" ({tally.already:,} of them under the policy in force already)" if tally.already else ""
    yield f"{tally.looked_at:,} actions in {seconds:.1f} s: {tally.changed:,} would be different{already}"
    yield (
        f"{tally.more_people:,} more approvals asked for, {tally.fewer_people:,} fewer; {tally.newly_asked:,} newly asked about, "
        f"{tally.no_longer_asked:,} no longer, {tally.newly_denied:,} newly refused"
    )
    for step, count in sorted(tally.levels.items(), key=lambda pair: -pair[1]):
        yield f"  {step:<20} {count:,}"
    for name, ways in sorted(tally.fields.items(), key=lambda pair: -sum(pair[1].values())):
        said = ", ".join(f"{differing.WAYS[way]} {count:,}" for way, count in sorted(ways.items()))
        yield f"  {differing.title(name)}: {said}"
    for name, rule in sorted(tally.rules.items()):
        yield f"  rule {name}: applies to {rule.matched:,}, makes the difference for {rule.changed:,}, {rule.people:+,} approvals"
    for name, rule in sorted(tally.others.items()):
        yield f"  {name.strip('()')}: make the difference for {rule.changed:,}, {rule.people:+,} approvals"
    for one in tally.shown[:LISTED]:
        by = ", ".join(name.strip("()") for name in one["by"])
        yield f"  {one['id']}  {shown(one['summary'][:50])}  [{by}] {one['people']:+} approvals"
        for field, was, now, _way in one["fields"]:
            yield f"      {differing.sentence(field, was, now)}"
