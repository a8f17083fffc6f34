"""Settings, urls, processes: the room that may import every other, and that no room imports."""

from config import loading

loading.begin()

try:
    from config.celery import app as celery_app
except ModuleNotFoundError as missing:
    if (missing.name or "").split(".")[0] in {"config", "agents", "approvals", "audit"}:
        raise
    # Every command of ours passes here first: say it in one sentence instead of a traceback.
    raise SystemExit(f"The Python library {missing.name} is missing: run make clean, then make run.") from None

__all__ = ["celery_app"]
