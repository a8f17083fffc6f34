"""Tables of the agents room. Written by `agents.operations`, read by `agents.queries` and `satisfaction`.

`agents` (what is registered), `runs` (and their pauses and ratings), `effects` (what was really done), `compensations` (what is reversed), `budgets` (what may be spent a day), `there` (agents on Agent Servers), `trials` (dry runs).
"""

from agents.models.agents import Agent, AgentVersion
from agents.models.budgets import Budget
from agents.models.compensations import Compensation, CompensationOrder
from agents.models.effects import Effect, OutcomeCheck, Piece
from agents.models.runs import Override, Pause, Rating, Run
from agents.models.there import Handover, Server, Thread
from agents.models.trials import Trial

__all__ = [
    "Agent",
    "AgentVersion",
    "Budget",
    "Compensation",
    "CompensationOrder",
    "Effect",
    "Handover",
    "OutcomeCheck",
    "Override",
    "Pause",
    "Piece",
    "Rating",
    "Run",
    "Server",
    "Thread",
    "Trial",
]
