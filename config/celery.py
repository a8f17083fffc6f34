"""Celery: it only wakes; PostgreSQL is the queue. The queues, their priorities and the whole beat table are here."""

import os
import time
from importlib import import_module

from celery import Celery
from celery.signals import setup_logging, task_prerun, worker_init, worker_process_shutdown
from kombu.transport.redis import Channel

from config import loading

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# Django's checks would load every page and the whole API into the worker: half of its start. Starting the product makes them (`migrate`).
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")

# Beat sends names at times: it looks at no table and calls no agent, so it loads neither (a quarter of the whole stack's memory).
ONLY_BEAT = os.environ.get("COUNTERSIGN_ROLE") == "beat"

app = Celery("countersign", fixups=[] if ONLY_BEAT else None)
app.config_from_object("django.conf:settings", namespace="CELERY")
# Celery's Django fixup reads this one from the app, without the namespace (platform.md section 3.3).
app.conf["CELERY_DB_REUSE_MAX"] = 100_000
if not ONLY_BEAT:
    app.autodiscover_tasks()
    import_module("config.broker")  # its receivers watch whether the broker is there
# What a worker holds when it loses the broker is not given back, which it could die of as well: the sweeper finds the rows.
Channel.do_restore = False

URGENT, NORMAL, LATER = 0, 6, 9
LOOK_S = 0.5
_looked = 0.0

app.conf.task_routes = {
    "agents.tasks.drive_run": {"queue": "runs", "priority": NORMAL},
    "agents.tasks.sweep": {"queue": "runs", "priority": URGENT},
    "agents.tasks.watch": {"queue": "runs", "priority": URGENT},
    "agents.tasks.look_for_alerts": {"queue": "runs", "priority": URGENT},
    "agents.tasks.tidy": {"queue": "runs", "priority": NORMAL},
    "agents.tasks.look_at_servers": {"queue": "runs", "priority": NORMAL},
    "agents.tasks.follow_run": {"queue": "runs", "priority": NORMAL},
    "agents.tasks.run_effect": {"queue": "effects", "priority": NORMAL},
    "agents.tasks.compensate_run": {"queue": "effects", "priority": NORMAL},
    "agents.tasks.check_outcome": {"queue": "runs", "priority": LATER},
    "agents.tasks.answer_ask": {"queue": "runs", "priority": LATER},
    "agents.tasks.give_opinions": {"queue": "runs", "priority": LATER},
    "agents.tasks.place_drills": {"queue": "runs", "priority": LATER},
    "agents.tasks.try_run": {"queue": "runs", "priority": LATER},
    "agents.tasks.check_edit": {"queue": "runs", "priority": URGENT},
    "approvals.tasks.sweep": {"queue": "notify", "priority": URGENT},
    "approvals.tasks.backtest": {"queue": "notify", "priority": LATER},
    "approvals.tasks.reach": {"queue": "notify", "priority": LATER},
    "approvals.tasks.tell_programs": {"queue": "notify", "priority": LATER},
    "approvals.tasks.slack": {"queue": "notify", "priority": LATER},
    "approvals.tasks.slack_sweep": {"queue": "notify", "priority": LATER},
    "approvals.tasks.tidy": {"queue": "notify", "priority": NORMAL},
}

# Ticks that nobody came to fetch are worthless: they expire before the next one.
app.conf.beat_scheduler = "config.beat:Ticking"
app.conf.beat_schedule = {
    "sweep runs and effects": {"task": "agents.tasks.sweep", "schedule": 2.0, "options": {"expires": 10}},
    "halt by rule": {"task": "agents.tasks.watch", "schedule": 3.0, "options": {"expires": 3}},
    "look for alerts": {"task": "agents.tasks.look_for_alerts", "schedule": 10.0, "options": {"expires": 10}},
    "end what is due": {"task": "approvals.tasks.sweep", "schedule": 2.0, "options": {"expires": 10}},
    "reach people": {"task": "approvals.tasks.reach", "schedule": 2.0, "options": {"expires": 10}},
    "webhooks": {"task": "approvals.tasks.tell_programs", "schedule": 2.0, "options": {"expires": 5}},
    "slack": {"task": "approvals.tasks.slack", "schedule": 1.0, "options": {"expires": 3}},
    "look at slack's cards": {"task": "approvals.tasks.slack_sweep", "schedule": 30.0, "options": {"expires": 25}},
    "place test actions": {"task": "agents.tasks.place_drills", "schedule": 30.0, "options": {"expires": 25}},
    "look at agent servers": {"task": "agents.tasks.look_at_servers", "schedule": 2.0, "options": {"expires": 5}},
    "close what was cancelled": {"task": "agents.tasks.tidy", "schedule": 30.0, "options": {"expires": 20}},
    "tidy": {"task": "approvals.tasks.tidy", "schedule": 300.0, "options": {"expires": 200}},
}


@task_prerun.connect
def _live_connection(**_: object) -> None:
    """Connections are kept across tasks: look whether the server was restarted in between (one SELECT 1), now and then.

    A busy worker that meets a dead connection all the same loses one task, which the sweeper finds.
    """
    from django.db import connections

    global _looked
    if time.monotonic() - _looked < LOOK_S:
        return
    _looked = time.monotonic()
    for connection in connections.all(initialized_only=True):
        connection.close_if_unusable_or_obsolete()


@worker_init.connect
def _import_before_fork(**_: object) -> None:
    """What every child needs is loaded once, in the parent, whose pages they share."""
    import_module("agents.operations.driving")
    import_module("agents.operations.executing")
    loading.loaded()  # the collector would otherwise touch, and so copy, every shared page


@worker_process_shutdown.connect
def _finish_aside(**_: object) -> None:
    """What is being sent to others is finished first."""
    from approvals import aside

    aside.end_all()


@setup_logging.connect
def _logging(**_: object) -> None:
    """Keep our JSON logs: Celery would otherwise configure its own."""
    from config import telemetry

    telemetry.configure({})
