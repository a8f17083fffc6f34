"""Logs: one JSON record a line with timestamp, level and log_data {component, action, payload} (rows R6, R55).

`run`, `action` and `trace` ids come from structlog's context, bound where a run or an action is worked on.
"""

import logging
import logging.config
from typing import Any

import structlog
from django.conf import settings
from structlog.typing import EventDict, WrappedLogger

_TOP = ("timestamp", "level", "logger", "trace", "run", "action", "request_id", "task_id", "exception")


def shape(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Arrange an event as the record of R6; what is not a header goes into the payload."""
    top = {key: event.pop(key) for key in _TOP if key in event}
    action = event.pop("event", "")
    component = event.pop("component", top.get("logger", ""))
    return {**top, "log_data": {"component": component, "action": action, "payload": dict(event)}}


_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
]


def configure(_: dict[str, Any]) -> None:
    """Django's LOGGING_CONFIG hook: everything, ours and the libraries', leaves as JSON on stderr."""
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "json": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "foreign_pre_chain": _SHARED,
                    "processors": [
                        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                        shape,
                        structlog.processors.JSONRenderer(default=str),
                    ],
                }
            },
            "filters": {"without_secrets": {"()": "config.request_log.WithoutSecrets"}},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json", "filters": ["without_secrets"]}},
            "root": {"handlers": ["stderr"], "level": "WARNING"},
            "loggers": {name: {"level": settings.LOG_LEVEL} for name in ("agents", "approvals", "audit", "config", "django_structlog")},
        }
    )
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
