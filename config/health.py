"""Is the process alive, and can it do its work? Answered without signing in, with nothing secret."""

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe


@require_safe
@login_not_required
def live(request: HttpRequest) -> JsonResponse:
    """The process answers. Says nothing of the database: restarting this process would not mend that."""
    return JsonResponse({"status": "ok"})


@require_safe
@login_not_required
def ready(request: HttpRequest) -> JsonResponse:
    """The database answers and is migrated: requests may be sent here."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM approvals_halt WHERE released_at IS NULL")
            halts = cursor.fetchone()[0]
    except DatabaseError as error:
        return JsonResponse({"status": "unavailable", "database": type(error).__name__}, status=503)
    return JsonResponse({"status": "ok", "database": "ok", "active_halts": halts})
