"""Tables are complete, and say what the design says."""

import re
from pathlib import Path

import pytest

from agents import crashpoints
from agents.states import (
    EFFECT_TRANSITIONS,
    OVERRIDE_TRANSITIONS,
    PAUSE_TRANSITIONS,
    RUN_TRANSITIONS,
    UNFINISHED,
    EffectState,
    OverrideState,
    PauseState,
    RunState,
)
from approvals.operations.verdicts import STATUS_OF_STATE
from approvals.states import (
    ACTION_TRANSITIONS,
    DRILL_TRANSITIONS,
    EDIT_TRANSITIONS,
    OPINION_TRANSITIONS,
    STATE_OF_VERDICT,
    ActionState,
    DrillState,
    EditState,
    OpinionState,
    Verdict,
)

ROOT = Path(__file__).parents[2]
TABLES = [
    (ActionState, ACTION_TRANSITIONS),
    (EditState, EDIT_TRANSITIONS),
    (DrillState, DRILL_TRANSITIONS),
    (OpinionState, OPINION_TRANSITIONS),
    (RunState, RUN_TRANSITIONS),
    (PauseState, PAUSE_TRANSITIONS),
    (OverrideState, OVERRIDE_TRANSITIONS),
    (EffectState, EFFECT_TRANSITIONS),
]


@pytest.mark.parametrize(("states", "table"), TABLES)
def test_every_state_has_its_row_and_every_step_leads_somewhere_known(states, table):
    assert set(states) == table.keys()
    assert {target for targets in table.values() for target in targets} <= set(states)


@pytest.mark.parametrize(("states", "table"), TABLES)
def test_every_state_is_the_first_or_can_be_reached(states, table):
    assert set(states) - {next(iter(states))} == {target for targets in table.values() for target in targets} - {next(iter(states))}


def test_side_tables_are_complete():
    assert set(Verdict) == STATE_OF_VERDICT.keys()
    assert set(ActionState) - {ActionState.PENDING} == STATUS_OF_STATE.keys()


def test_only_an_unused_approval_goes_back():
    assert [s for s in ActionState if ActionState.PENDING in ACTION_TRANSITIONS[s]] == [ActionState.APPROVED]


def test_an_unfinished_run_can_always_be_cancelled_a_failed_one_given_up_and_a_finished_one_never():
    assert {s for s in RunState if RunState.CANCELLED in RUN_TRANSITIONS[s]} == UNFINISHED | {RunState.FAILED}


def test_every_crash_point_has_its_place_and_every_place_its_name():
    code = "".join(path.read_text() for room in ("agents", "approvals") for path in (ROOT / room).rglob("*.py"))
    named = set(re.findall(r"crash\((.*)\)\n", code))
    assert {point for point in crashpoints.POINTS if not any(f'"{point}"' in call for call in named)} == set()
    assert {name for call in named for name in re.findall(r'"([a-z0-9_]+)"', call)} == set(crashpoints.POINTS)


def test_nobody_crashes_unless_asked(settings, tmp_path):
    marker = tmp_path / "t3_done"
    marker.touch()
    for folder, point in (("", "t3_done"), (tmp_path, "t3_open"), (tmp_path / "none", "t3_done")):
        settings.CRASH_POINTS = str(folder)
        crashpoints.crash(point)
    assert marker.exists()
