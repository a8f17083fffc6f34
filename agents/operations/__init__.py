"""The only writer of the agents room: every function one transaction with its events, or a sequence of such.

registering  projects become Agents and AgentVersions
starting     a Run is created, cancelled, tried again
driving      a Run is taken and driven
proposing    what it newly asks is made ready for people
stretches    T1: what it came to is written down (its questions in `pausing`, looked at in `preparing` and `foreign`)
executing    T3 and T4: approved actions are claimed, run and recorded
handing      T3 of agents that make their calls themselves: what was approved is handed back (`leave` as a call begins)
outcomes     T4 of those: what came of it (`settling` writes it)
calling      T3 and T4 of each call of a governed agent, as it begins and ends
explaining   an agent answers a reviewer's question
rating       somebody says whether a run's outcome was useful
overriding   an operator changes what a run does next; `forking` carries it out in the worker
instead      an operator gives the result of a call that waits; the call is never made
stepping     an operator pauses a run before its next step, lets it take one, or go on
spending     what runs spend, against what they may: reserved, settled, charged; `budgets`, what people say they may; `budget_holds`, runs that stop for it
stopping     a reviewer's rejection ends the run
asking_again an answer its node could not use is asked for once more
owing        what a run did is to be reversed: the orders, and what people say of what could not be
compensating a worker reverses it, the last call first
replaying    a run is driven again from its record, and compared
trying       a run is taken on from a checkpoint beside it; nothing acts
trials       people order either of a worker; `carrying` has it done in a process of its own (`trial_child`)
alone        a call in a process of its own, which a halt ends
branching    the same for real: a run of its own, whose parents `lineage` knows
unknown      calls whose outcome a person has to say; `outcome_checks` asks the remote side
opining      a second model is asked what it thinks of proposed calls
drilling     test actions are made out of real calls; `twists` are their templates
hinting      Agent Servers are looked at sooner
servers      they are registered with their agents, reached or not (`handovers`: an answer's steps on its way there)
looking      threads that wait there become runs, and what was stopped here is stopped there
there        a run of such an agent is looked at and answered; `fates` says what that means, `putting` writes it down
declaring    agents that run elsewhere say what their tools are; `outside`, they propose over the API
deploying    which waiting questions the code on disk would break
checking     edited arguments are tried with the tool itself
halting      an agent or run that exists is stopped; `switching`, made stricter than policy
receiving    what approvals tells us, inside its transactions
recovering   what the sweeper finds that nobody woke
leases, waking, joined, events, fingerprints   shared
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agents.operations.asking_again import ask_again
    from agents.operations.branching import branch_run
    from agents.operations.budgets import set_agent_budget, set_customer_budget, set_default, set_run_budget
    from agents.operations.carrying import carry_out_trial
    from agents.operations.checking import check_edit
    from agents.operations.compensating import compensate
    from agents.operations.declaring import accept_declaration, declare
    from agents.operations.deploying import check_deploy
    from agents.operations.drilling import place_drill, place_drills
    from agents.operations.driving import advance_run
    from agents.operations.executing import execute
    from agents.operations.explaining import answer_ask
    from agents.operations.halting import count_halt, order_halt, order_release
    from agents.operations.hinting import hint, hook_of
    from agents.operations.instead import answer_for
    from agents.operations.looking import look_at_servers
    from agents.operations.opining import give_opinions
    from agents.operations.other_code import not_imported
    from agents.operations.outcome_checks import check_outcome
    from agents.operations.outside import known_keys, make_key, propose
    from agents.operations.overriding import override
    from agents.operations.owing import done_by_hand, order_compensation, try_again
    from agents.operations.rating import rate_run
    from agents.operations.recovering import recover
    from agents.operations.registering import hazards, lacks, register_project
    from agents.operations.replaying import replay_run
    from agents.operations.servers import add_server
    from agents.operations.starting import cancel_run, close_cancelled, retry_run, start_run
    from agents.operations.stepping import go_on, pause_run, step_run
    from agents.operations.switching import order_switch
    from agents.operations.there import follow
    from agents.operations.trials import order_trial
    from agents.operations.trying import fork_run
    from agents.operations.undone import resolve_undone
    from agents.operations.unknown import ask_outcome, resolve_unknown

__all__ = [
    "accept_declaration",
    "add_server",
    "advance_run",
    "answer_ask",
    "answer_for",
    "ask_again",
    "ask_outcome",
    "branch_run",
    "cancel_run",
    "carry_out_trial",
    "check_deploy",
    "check_edit",
    "check_outcome",
    "close_cancelled",
    "compensate",
    "count_halt",
    "declare",
    "done_by_hand",
    "execute",
    "follow",
    "fork_run",
    "give_opinions",
    "go_on",
    "hazards",
    "hint",
    "hook_of",
    "known_keys",
    "lacks",
    "look_at_servers",
    "make_key",
    "not_imported",
    "order_compensation",
    "order_halt",
    "order_release",
    "order_switch",
    "order_trial",
    "override",
    "pause_run",
    "place_drill",
    "place_drills",
    "propose",
    "rate_run",
    "recover",
    "register_project",
    "replay_run",
    "resolve_undone",
    "resolve_unknown",
    "retry_run",
    "set_agent_budget",
    "set_customer_budget",
    "set_default",
    "set_run_budget",
    "start_run",
    "step_run",
    "try_again",
]

# Modules come when they are first used: LangGraph costs 2 s and 60 MB, and web, beat and most commands never drive a graph.
_HOMES = {
    "add_server": "servers",
    "follow": "there",
    "hint": "hinting",
    "hook_of": "hinting",
    "look_at_servers": "looking",
    "advance_run": "driving",
    "answer_ask": "explaining",
    "ask_again": "asking_again",
    "cancel_run": "starting",
    "check_deploy": "deploying",
    "carry_out_trial": "carrying",
    "order_trial": "trials",
    "check_edit": "checking",
    "ask_outcome": "unknown",
    "check_outcome": "outcome_checks",
    "close_cancelled": "starting",
    "compensate": "compensating",
    "done_by_hand": "owing",
    "order_compensation": "owing",
    "try_again": "owing",
    "accept_declaration": "declaring",
    "declare": "declaring",
    "execute": "executing",
    "give_opinions": "opining",
    "known_keys": "outside",
    "make_key": "outside",
    "propose": "outside",
    "count_halt": "halting",
    "order_halt": "halting",
    "order_release": "halting",
    "order_switch": "switching",
    "place_drill": "drilling",
    "place_drills": "drilling",
    "rate_run": "rating",
    "recover": "recovering",
    "hazards": "registering",
    "lacks": "registering",
    "not_imported": "other_code",
    "register_project": "registering",
    "fork_run": "trying",
    "branch_run": "branching",
    "replay_run": "replaying",
    "resolve_undone": "undone",
    "resolve_unknown": "unknown",
    "retry_run": "starting",
    "start_run": "starting",
    "go_on": "stepping",
    "answer_for": "instead",
    "override": "overriding",
    "pause_run": "stepping",
    "step_run": "stepping",
    "set_agent_budget": "budgets",
    "set_customer_budget": "budgets",
    "set_default": "budgets",
    "set_run_budget": "budgets",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
