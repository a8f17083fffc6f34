"""Whether a run's outcome was useful, said by somebody it worked for (requirement row 77). It changes nothing of the run."""

from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from agents.errors import WrongState
from agents.models import Rating
from agents.operations import events
from agents.operations.found import locked_run
from agents.states import UNFINISHED
from approvals import permissions
from approvals.errors import BadRequest
from approvals.models.people import User
from audit import canonical, log
from audit.sentences import say

MOST_WORDS = 2_000
MOST_NAME = 150


@transaction.atomic
def rate_run(run_id: Any, *, useful: bool, words: str = "", said_by: str = "", by: User, door: str) -> Rating:
    """Record what somebody says of an ended run; said again, the last word counts.

    Args:
        said_by: the end user whose word an agent's program passes on; people speak for themselves and leave it empty.

    Raises:
        NotAllowed, UnknownRun. WrongState: it has not ended. BadRequest: too long, or nobody is named by an agent, or somebody else by a person.
    """
    words, said_by = canonical.storable(words.strip()), canonical.storable(said_by.strip())
    if len(words) > MOST_WORDS or len(said_by) > MOST_NAME:
        raise BadRequest(say("At most %(n)d characters, and %(m)d for a name", n=MOST_WORDS, m=MOST_NAME))
    if by.kind == User.Kind.HUMAN:
        permissions.check_read(by)
        if said_by:
            raise BadRequest(say("People speak for themselves: leave said_by empty"))
    elif not said_by:
        raise BadRequest(say("Name the user whose word this is in said_by: an agent does not rate itself"))
    run = locked_run(run_id)
    if run.state in UNFINISHED:
        raise WrongState(say("The run has not ended yet; say it when there is an outcome"))
    rating, _ = Rating.objects.update_or_create(
        run=run, by=by, said_by=said_by, defaults={"useful": useful, "words": words, "said_at": Now()}
    )
    log.append(events.entry(run, "run.rated", by=by.actor, door=door, useful=useful, words=words, said_by=said_by))
    return rating
