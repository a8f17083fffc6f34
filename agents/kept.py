"""Sentences that rows of this room keep, told in the reader's language when a page shows them (see `approvals.operations.kept`).

An agent gets them as they are, in English. Imports `audit.sentences` only.
"""

from audit.sentences import Frozen

# Why a run stopped.
RUN_STOPPED = Frozen("The run was stopped")
RUN_CANCELLED = Frozen("The run was cancelled")
STOPPED_BY, STOPPED_BY_WHY = Frozen("Stopped by %(who)s"), Frozen("Stopped by %(who)s: %(why)s")
WORKERS_DIED = Frozen("%(n)d workers died driving this run; look at their logs, then try it again")
NOWHERE = Frozen(
    "The graph waits for an answer that it was given, or that nobody was asked for: look at its nodes, then try again or cancel it"
)
NODE_GONE = Frozen(
    "The graph no longer has the question asked at %(where)s: the node was renamed or removed, and its answer can reach nobody"
)
BESIDE = Frozen("%(node)s cannot be asked again: other nodes ran in the same step, and would run once more. Start a new run")
OUT_OF_STEPS = Frozen("Max steps reached")

# Why an action came to an end without a person.
NO_LONGER_ASKED = Frozen("The graph no longer asks this")
OTHER_ARGUMENTS = Frozen("The node came back with other arguments before this was executed")

# Why nothing was asked of people.
NOT_ITS_DIGEST = Frozen("the proposal does not match its own digest")
NO_SUCH_TOOL = Frozen("ToolNotAllowed: %(tool)s is not among this agent's tools (%(tools)s)")
NO_FIT = Frozen("arguments do not fit %(tool)s: %(why)s")

# What came of a call.
NO_LONGER_FIT = Frozen("the approved arguments no longer fit the tool: %(why)s")
WOULD_DIFFER = Frozen("the tool would run other arguments than those approved")
NO_ANSWER = Frozen("no answer within %(seconds)s s; it may have been done")
NO_PREVIEW = Frozen("the preview gave no answer within %(seconds)s s")
PREVIEW_FAILED = Frozen("the preview failed: %(why)s")
NOBODY_KNOWS = Frozen("The worker died after the call was claimed; nobody knows whether it was done")

# What an agent could not say.
NOBODY_EXPLAINS = Frozen(
    "This agent cannot answer questions: its AgentSpec declares no explain function, and no model is set (COUNTERSIGN_MODEL)"
)
EXPLAINING_FAILED = Frozen("The agent's explanation failed: %(why)s")

# Headings of the evidence the product adds itself.
ANSWER_BEFORE = Frozen("The answer before, which the node could not use")
NODE_SAID = Frozen("What the node said to it")
RESULT_OF = Frozen("Result of %(tool)s")
NOT_SHOWN = Frozen("%(n)d earlier result is not shown here", "%(n)d earlier results are not shown here")
NOT_COMPARED = Frozen("The run read more from outside than arguments can be compared with: all of them count as taken from there")
CUT = Frozen("Result of %(tool)s, its first %(shown)d characters of %(all)d")
