"""Sentences that rows of this room keep, told in the reader's language when a page shows them (see `approvals.operations.kept`).

An agent gets them as they are, in English. Imports `audit.sentences` only.
"""

from audit.sentences import Frozen

# Forks: what one cannot go on from, and what its reviewers are told.
KEEPS_DIFFERENCES = Frozen("The graph keeps %(name)s as differences between its checkpoints: no run of its own can begin from one of them")
DONE_IN_PARENT = Frozen("Done by the run this one was forked from")
DONE_IN_THIS_RUN = Frozen("Done by this run before an operator took it back or changed it")
RUN_CALLED = Frozen("This very run already made this call at %(at)s: %(state)s", parts=["state"])
PARENT_CALLED = Frozen("The parent run %(run)s already made this call at %(at)s: %(state)s", parts=["state"])

# Budgets: which is spent, of "run", "agent" or "customer".
BUDGET_SPENT = Frozen("What it may spend is spent")
OVER_MONEY = {
    "run": Frozen("Over its budget: %(spent)s of %(budget)s"),
    "agent": Frozen("Over what the agent %(name)s may spend in a day: %(spent)s of %(budget)s"),
    "customer": Frozen("Over what may be spent in a day for the customer %(name)s: %(spent)s of %(budget)s"),
}
OVER_TOKENS = {
    "run": Frozen("Over its budget: %(spent)d of %(budget)d tokens"),
    "agent": Frozen("Over what the agent %(name)s may use in a day: %(spent)d of %(budget)d tokens"),
    "customer": Frozen("Over what may be used in a day for the customer %(name)s: %(spent)d of %(budget)d tokens"),
}
NOT_ENOUGH = {
    "run": Frozen("Over its budget: a call would cost %(cost)s more, and %(spent)s of %(budget)s is spent"),
    "agent": Frozen(
        "Over what the agent %(name)s may spend in a day: a call would cost %(cost)s more, and %(spent)s of %(budget)s is spent"
    ),
    "customer": Frozen(
        "Over what may be spent in a day for the customer %(name)s: a call would cost %(cost)s more, and %(spent)s of %(budget)s is spent"
    ),
}

# Why a run stopped.
RUN_STOPPED = Frozen("The run was stopped")
RUN_CANCELLED = Frozen("The run was cancelled")
STOPPED_BY, STOPPED_BY_WHY = Frozen("Stopped by %(who)s"), Frozen("Stopped by %(who)s: %(why)s")
TIMED_OUT = Frozen("Task timed out after %(seconds)s s")
WORKERS_DIED = Frozen("%(n)d workers died driving this run; look at their logs, then try it again")
WORKERS_DIED_TRYING = Frozen("%(n)d workers died of this dry run; look at their logs")
TRIAL_FAILED = Frozen("The process of the dry run ended before it had an answer; nothing was done")
TRIAL_HALTED = Frozen("A halt ended it: it may have asked a model. Nothing was done")
TRIAL_TOO_LONG = Frozen("It took longer than %(seconds)s s and was ended; nothing was done")
NOWHERE = Frozen(
    "The graph waits for an answer that it was given, or that nobody was asked for: look at its nodes, then try again or cancel it"
)
NODE_GONE = Frozen(
    "The graph no longer has the question asked at %(where)s: the node was renamed or removed, asks no more, or is in a graph compiled with "
    "checkpointer=False. The answer reaches nobody"
)
ASKED_NOWHERE = Frozen(
    "The graph has no node %(where)s any more, which asked for this: its result would reach nobody, so nothing is run. Go back to a checkpoint "
    "before the question, or start a new run"
)
NEXT_GONE = Frozen(
    "The graph does not have %(nodes)s any more, where this run goes on: renamed or removed. Nothing of it was run. "
    "Put it back and try again, or go back to a checkpoint before it"
)
BESIDE = Frozen(
    "%(node)s cannot be asked again: what else ran in the same step has ended, and would run once more. "
    "Mend the node and try again: it gets its answer, and the other answers after it. Or start a new run"
)
BREAKPOINT_AGAIN = Frozen(
    "The graph was let go on from its breakpoint at %(node)s and stands there again as if nobody had: what stands inside that node keeps no "
    "checkpoint and starts over"
)
TOO_MANY_STEPS = Frozen(
    "It took as many steps in one go as this graph may take (its recursion_limit) and came to no end. See why it goes round; if it has to, "
    "give it more where it is exported: graph.compile().with_config({'recursion_limit': ...}). Tried again, it goes on from here"
)
RETIRED_INTERRUPT = Frozen(
    "%(node)s pauses by raising NodeInterrupt, which LangGraph has retired: no answer ever reaches it, and it would raise again for ever. "
    "Ask with interrupt() instead"
)
NOT_HEARD = Frozen("%(node)s asks the very same again after its answer, without having taken it: look at how it asks, then try again")
ASKED_TOO_OFTEN = Frozen(
    "%(tool)s was asked about %(n)d times in one step and no answer was for it: its arguments change each time, or too many calls share the step"
)
NOT_AS_IT_IS = Frozen("Nobody can approve it as it is, for it cannot be shown exactly (what could not be is written out as text): %(why)s")
ASKED_OF_NOBODY = Frozen("nobody was asked, because Countersign cannot put it before people: %(why)s")
NOT_TO_KEEP = Frozen(
    "LangGraph cannot keep this in a checkpoint (%(why)s): have the node pass plain values, nested less than a hundred deep, then try again"
)
TOO_LARGE_TO_KEEP = Frozen(
    "%(where)s is a whole number of more than 64 bits, which LangGraph cannot keep in a checkpoint: have the node pass it as text, then try again"
)
NO_WORDS = Frozen("%(why)s; and it takes no words, only a yes or a no that a person said")
WITHOUT = Frozen("it needs %(names)s")
NOT_AMONG_ITS_ARGUMENTS = Frozen("%(tool)s takes no such arguments, and is likely to leave them out")
TOO_LONG_TO_SHOW = Frozen("it is longer than %(n)d bytes: only its beginning can be shown and frozen")
NO_TIME = Frozen("It wants an answer by %(said)s, which is no time that can be read: the policy's deadline counts")
FITS_NOTHING = Frozen("No answer can be given to it: %(why)s. It can only be rejected.")
TAKES_NOTHING = Frozen("%(tool)s waits for people and allows them no answer at all")
OUT_OF_STEPS = Frozen("Max steps reached")

NOTHING_THERE = Frozen("(nothing)")

# Why something a run did was not reversed.
NO_COMPENSATION = Frozen("%(tool)s declares nothing that would reverse it")
NOT_OURS = Frozen("the agent made this call itself, and only it could reverse it")
OUTCOME_UNKNOWN = Frozen("nobody knows whether this was done: say so first, then have it tried")
NOT_DONE_AFTER_ALL = Frozen("It turned out not to have been done: there is nothing to reverse")
GAVE_UP = Frozen("It was tried %(n)d times, and nobody knows whether it was reversed: %(why)s")
BEING_REVERSED = Frozen("What this run did is being reversed")

# What became of an operator's order.
OVERRIDDEN = Frozen("An operator changed what the run does next: this is asked no more, or asked anew")
ORDER_REFUSED = Frozen("The graph did not take what was ordered")
NO_SUCH_CHECKPOINT = Frozen("that checkpoint is not there any more")
NOT_ALONE_NEXT = Frozen("%(node)s is not the only node that comes next (%(nodes)s)")
NOT_A_VALUE = Frozen("%(name)s is no plain value of the graph's state")
NOT_OF_ITS_TYPE = Frozen("%(name)s is declared otherwise: %(why)s")
SETS_OFF = Frozen("a node of this graph runs whenever %(name)s changes")
MOVED_SINCE = Frozen("the run has gone on since this was ordered")
ENDED_SINCE = Frozen("the run has ended since this was ordered")
GIVEN_OTHERWISE = Frozen("another result was given for the call")

# What newer code would do to a question that waits.
GRAPH_GONE = Frozen("the project has no graph of this name any more: the run could not go on")
NODE_WOULD_BE_GONE = Frozen("the graph has no node %(node)s any more: the answer would reach nobody")
OUR_LINE_GONE = Frozen(
    "as far as can be seen, neither require_approval nor Countersigned asks about %(tool)s any more: if so, the run fails, and the call is stopped where "
    "LangChain begins it. A tool with an `invoke` of its own, or code that does the same past LangChain, is not stopped"
)
HELPER_WOULD_BE_GONE = Frozen(
    "%(tool)s has no helper %(helper)s any more: the answer would reach nobody. Put it back under that name, or let its question be answered first"
)
ASKED_IN_ANOTHER_MODE = Frozen(
    "LangChain's middleware asks about %(tool)s in another mode than when this was asked (%(was)s; now %(now)s): its node would not take this answer, and "
    "the run would fail. Let what waits be answered first, or keep the mode"
)
TAKES_OTHER_ANSWERS = Frozen(
    "%(node)s takes other answers than when this was asked (its response_schema is another one): the answer would be refused, and people would have "
    "to be asked again"
)
TOOL_WOULD_BE_GONE = Frozen("there is no tool %(tool)s any more: what was approved could not run")
TOOL_OUT_OF_SIGHT = Frozen(
    "no tool %(tool)s can be seen any more: what is approved of it is refused, and the agent told so. Where it is there all the same, "
    "name it in `grants`, and it can be asked about anew"
)
ARGS_WOULD_NOT_FIT = Frozen("%(tool)s does not take these arguments any more: %(why)s")
SCHEMA_CHANGED = Frozen("%(tool)s takes other arguments than when this was asked: an approval would be refused, and the agent told so")
BREAKPOINT_GONE = Frozen("the graph has no breakpoints any more: it would go on without this answer")
GRAPH_CHANGED = Frozen("the graph has another form than when this was asked; its node runs again from its first line with the answer")
NODE_CHANGED = Frozen("the code of %(node)s is not the one that asked (%(what)s): it runs again from its first line with the answer")
ASKS_BEFORE = Frozen(
    "%(node)s now has %(ask)s before this question: asked first, it gets no answer meant for this one, and people are asked again"
)
ASKS_OTHERWISE_NOW = Frozen("%(node)s asks this no more, but %(ask)s: the answer would be refused, and people would have to be asked again")

# What whoever imports a graph should know of the breakpoints inside it.
BREAKPOINT_CALLED = Frozen(
    "%(where)s is called from code and has breakpoints: people are asked there too, and what called it runs again from its first line with "
    "each answer. Put nothing that acts before that call, or make the graph a node"
)
BREAKPOINT_FORGOTTEN = Frozen(
    "%(where)s has breakpoints and is compiled with checkpointer=False or a checkpointer of its own: it would start over instead of going on. "
    "Compile it without"
)
UNSAVED_ASKS = Frozen(
    "%(where)s is compiled with checkpointer=False: what it asks people has another name each time it runs, so no answer reaches it and the "
    "run fails. Compile it without, or ask outside of it"
)
SEEMS_SILENT = Frozen(
    "nothing that asks can be seen in %(node)s any more: if so, it would go on without this answer, and the run would fail"
)
ASKS_NO_MORE = Frozen("%(node)s asks nothing any more: it would go on without this answer, and the run would fail")

# What a graph wants beside its input.
CONTEXT_WANTED = Frozen(
    "its nodes read a context that has to be given with every run (%(fields)s), and runs are started here with their input alone. Give "
    "these fields of its context_schema defaults, or read them from the state"
)
STORE_WANTED = Frozen(
    "%(where)s is given a store by LangGraph, and there is none here. Compile the graph with a store of its own, or keep it in the state"
)
STORE_MAYBE_WANTED = Frozen(
    "%(where)s seems to read a store, and runs have none here: compile the graph with a store of its own, or keep it in the state"
)
INPUT_UNKNOWN = Frozen("what its runs are started with cannot be described (%(why)s): any JSON object starts one, and no form helps")
DRAWING_CUT = Frozen(
    "the picture shows no way to %(n)s nodes (%(first)s and others), more than 250 steps from the start: it is cut there, and not at the end of the graph"
)
STORE_OF_ITS_OWN = Frozen(
    "what the graph keeps in its InMemoryStore is known to one worker process only, and gone when that ends: use a store with a database"
)

# What is wrong in a project's own code, as it is read when imported.
PAUSE_SWALLOWED = Frozen(
    "what is caught here is also the pause of a question: nobody would be asked, and the node would go on. Ask outside of the try, "
    "or raise GraphBubbleUp again before it is handled"
)
CALLS_REPEATED = Frozen(
    "tools that ask stand in a plain ToolNode: the calls of a turn are one step, and those made already are made again after each "
    "answer. Use create_agent, send each call by itself, or decorate the tools with @require_approval"
)
CLASSES_LOST = Frozen("its state holds %(names)s, which this code does not know any more: it would come out of the pause as plain data")
WITH_OTHER_CODE = Frozen("%(version)s, with code that was not imported", only={"version": "[^ ,]+"})
ACTS_BETWEEN = Frozen(
    "this is called between two questions of one function: LangGraph runs a node from its beginning for each answer, so it is done again with "
    "every later one. Ask everything first, act in a node of its own, or do it with once()"
)
GRANTED_TO_NOBODY = Frozen(
    "%(tool)s requires approval and is granted to no agent of this project: its calls are refused, and nobody is asked. If an agent calls it from "
    "its own code, name all the tools it may call in langgraph.json: "
    '"countersign": {"NAME": {"grants": ["%(tool)s"]}} (docs/agents.md)'
)
TOOL_CALLED = Frozen(
    "%(tool)s requires approval, which makes it a tool: it cannot be called as a function here. Give it to a ToolNode or an agent; in a "
    "node's own code, ask with interrupt and act with once()"
)

# Why an action came to an end without a person.
NO_LONGER_ASKED = Frozen("The graph no longer asks this")
ASKED_ANEW = Frozen("The question was asked anew")
OTHER_ARGUMENTS = Frozen("The node came back with other arguments before this was executed")

# Why nothing was asked of people.
NOT_ITS_DIGEST = Frozen("the proposal does not match its own digest")
NO_SUCH_TOOL = Frozen("ToolNotAllowed: %(tool)s is not among this agent's tools (%(tools)s)")
NO_FIT = Frozen("arguments do not fit %(tool)s: %(why)s")
BEGINS_LATER = Frozen("%(tool)s is a generator: it returns before its body runs, so nothing would be done")

# Why an answer cannot be told in the dialect it was asked in.
NOT_TAKEN = Frozen("%(tool)s: this agent takes %(takes)s, not %(kind)s")
ANSWER_DOES_NOT_FIT = Frozen("the answer does not fit what the agent asked for: %(why)s")
ONLY_ANSWERS = Frozen("the question was %(status)s, and this agent cannot be told that: its schema takes only answers")
NOT_LET_GO_ON = Frozen("the graph stands at a breakpoint and was not let go on (%(status)s)")
AS_MANY_ANSWERS = Frozen("%(n)d answers for %(calls)d calls")

# Why a call of an agent that makes its calls itself was stopped.
NOT_APPROVED = Frozen(
    "%(tool)s was about to be called without leave: people were asked about this very call and have not approved it, or it was made already"
)
APPROVED_AND_NOT_ASKED = Frozen(
    "%(tool)s was approved, and was about to be called before its node had been given the approval: the code does not ask about it any more where it did "
    "(another mode of the middleware, or a condition that changed). This call was not made: start a new run for it"
)
DIED_IN_IT = Frozen(
    "A worker died while the agent made the call %(tool)s; nobody knows whether it was done. It was not made again: look, say what "
    "happened, then try the run again"
)
DIED_AFTER_IT = Frozen(
    "A worker died after the agent was told to do %(tool)s; nobody knows how far it came. It was not told again: look, and say what happened"
)
SAID_DONE = Frozen("It was done: %(who)s looked, and said so")
SAID_NOT_DONE = Frozen("It was not done: a person looked, and said so")
OTHER_THAN_APPROVED = Frozen("%(tool)s was about to be called with other arguments than people were shown")
REFUSED_AND_OTHERWISE = Frozen(
    "%(tool)s was not allowed when people were asked, and was about to be called with other arguments, by the graph's own code: nobody was asked "
    "about those. Let the graph ask about each call"
)
QUESTION_MOVED = Frozen(
    "The node asks something else now than people were shown, so their answer was not given to it. Ask again, or put the code back"
)
NO_LEAVE = Frozen("the call was not begun: the database could not be asked for leave")
NOT_GRANTED = Frozen("ToolNotAllowed: this agent has not been granted %(tool)s")
AGENT_OFF = Frozen("the agent %(agent)s is switched off")
HALTED_SINCE = Frozen("a halt came between the approval and the call: people have to be asked again")
NOT_ITS_ANSWER = Frozen("an answer that is not for this call")
OVERTAKEN = Frozen("an order or a switch came between the approval and the call")
GIVEN_BEFORE_A_HALT = Frozen(
    "%(tool)s was approved before a halt, and its agent had been told when the halt came: that approval does not survive it. Nothing was done. "
    "Go back to the checkpoint before the question, so that people are asked again, or start a new run"
)
TAKEN_OVER = Frozen("the run was ended or taken over by another worker during this call")
NO_SUCH_CALL = Frozen("there is no such call of this run")
WAS_NOT_ALLOWED = Frozen("%(tool)s was not called (%(status)s): %(why)s")
EDITED_TO = Frozen("Note: a reviewer changed this call before it ran. It ran with these arguments: %(args)s")
CUT_OFF = Frozen("the call was given up before it ended")
MADE_WITH = Frozen("Note: this call was made before, with these arguments, and is not made again with others: %(args)s")
HALTED_BEFORE = Frozen("stopped before the call began: by a halt, or because nobody could be asked whether one is in force")
BEGUN_BEFORE = Frozen("the call began once already, or its leave was taken back")
CANNOT_BE_TOLD = Frozen("The agent asked at %(node)s and cannot be told what was decided: %(why)s. Nothing was done")

ASKED_BY_OUR_LINE = Frozen(
    "%(tool)s was asked about by require_approval or Countersigned, which asks about it no more: the call was not made. Put it back and try again, "
    "or go back to a checkpoint before the question"
)

# What came of a call.
NO_LONGER_FIT = Frozen("the approved arguments no longer fit the tool: %(why)s")
NOT_RUN = Frozen("it returned a %(kind)s, whose body has not run: nobody knows what was done before that")
WOULD_DIFFER = Frozen("the tool would run other arguments than those approved")
NO_PROCESS = Frozen("no process could be started for it: %(why)s")
NEVER_BEGAN = Frozen("its process ended with %(code)s before the call began; see the worker's log")
DIED = Frozen("its process ended with %(code)s in the middle of the call; it may have been done")
STOPPED_BEFORE = Frozen("nothing was done: a halt stopped it before it began, or nobody could be asked whether one is in force")
NOT_REPEATED = Frozen("it began before, and may have been done then; this time: %(why)s")
STOPPED_MIDWAY = Frozen("a halt stopped it in the middle of the call; it may have been done, or done in part")
NO_ANSWER = Frozen("no answer within %(seconds)s s; it may have been done")
NO_PREVIEW = Frozen("the preview gave no answer within %(seconds)s s")
PREVIEW_FAILED = Frozen("the preview failed: %(why)s")
NEVER_CALLED = Frozen("The approval was handed back and the agent never made the call")
ENDED_DURING = Frozen("The run ended while the agent was making this call; nobody knows whether it was done")
NODE_RAISED = Frozen("The agent's node raised after it was told to go on; nobody knows how far it came")
TOLD_AND_WENT_ON = Frozen("The agent was told, and its node went on without an error; what it did is its own")
WENT_ON = Frozen("The graph went on from its breakpoint")
NOBODY_KNOWS = Frozen("The worker died after the call was claimed; nobody knows whether it was done")

# What an agent could not say.
NOBODY_EXPLAINS = Frozen(
    "This agent cannot answer questions: its AgentSpec declares no explain function, and no model is set (COUNTERSIGN_MODEL)"
)
EXPLAINING_FAILED = Frozen("The agent's explanation failed: %(why)s")

# Who asks, when it is not the agent itself.
ASKED_BY_HELPER = Frozen("Asked by a helper that was called with %(tool)s: %(args)s")

NO_CHECK = Frozen("The tool %(tool)s has no check of its own: look where it acts")

# Headings of the evidence the product adds itself.
ANSWER_BEFORE = Frozen("The answer before, which the node could not use")
NODE_SAID = Frozen("What the node said to it")
RESULT_OF = Frozen("Result of %(tool)s")
NOT_SHOWN = Frozen("%(n)d earlier result is not shown here", "%(n)d earlier results are not shown here")
NOT_COMPARED = Frozen("The run read more from outside than arguments can be compared with: all of them count as taken from there")
CUT = Frozen("Result of %(tool)s, its first %(shown)d characters of %(all)d")

# What became of an agent on an Agent Server.
ANSWER_LOST = Frozen(
    "The connection broke while the answer was sent, and the server knows nothing of it: whether the agent carried it out, nobody can say. It is "
    "not given again"
)
SERVER_AWAY = Frozen("The Agent Server cannot be reached; the answer is given when it is back. %(why)s")
SENT_AS_SHOWN = Frozen(
    "Its Agent Server tells NUL as U+FFFD, and NaN or infinity as null. If this is approved, the agent is given exactly what is shown here, in the "
    "place of what it had"
)
REWRITTEN_THERE = Frozen(
    "its Agent Server tells NUL as U+FFFD, and NaN or infinity as null, which may be what is meant here: what would run cannot be shown"
)
GRAPH_NOT_THERE = Frozen(
    "The Agent Server has no graph %(graph)s now, which this thread stands in. Decisions wait, nothing is claimed, and it goes on by itself when the graph "
    "is back under that name; or cancel the run"
)
GRAPH_MISSING = Frozen(
    "it has no graph %(graph)s now, which threads of %(agent)s wait in: put it back under that name, or cancel their runs",
    only={"agent": "[^ ]+"},
)
UNSEEN = Frozen(
    "%(n)d thread waits of an assistant that is no agent here yet: connect the server again (manage.py agents remote)",
    "%(n)d threads wait of assistants that are no agents here yet: connect the server again (manage.py agents remote)",
)
MOVED_ON = Frozen("Somebody else answered there, or the thread went another way")
THREAD_GONE = Frozen("The thread is not on the Agent Server any more")
NEVER_DELIVERED = Frozen("It was approved, and the agent was never told: somebody else answered there first")
TOLD_AND_LOST = Frozen(
    "The server had taken the answer, died or was answered by somebody else, and then found the question gone (UnknownInterruptError): whether the agent "
    "carried it out, nobody can say. It is not given again: look at it on its server, and start it anew there"
)
STOPPED_THERE = Frozen("The agent was stopped on its server while it carried the answer out; nobody knows how far it came")
FAILED_THERE = Frozen("The agent failed on its server: %(why)s")
STILL_ASKS = Frozen(
    "The agent was given its answer and still asks the same at %(node)s. The answer is not given again: look at it on its server; people are "
    "asked once more where somebody orders it"
)
STANDS_STILL = Frozen(
    "The thread stands at %(nodes)s and asks nothing: it was stopped there, or has a static breakpoint. Go on with it on its server"
)
ASKS_OTHERWISE = Frozen("The agent asks something else at %(node)s than people were shown, under the same name: it is not answered")
NOT_YET = Frozen("The Agent Server has not taken the answer yet; it is offered again. %(why)s")
ASKED_BEFORE = Frozen("The thread asks again, under the same name, what was asked and closed here before: answer it on its server")
FORGOTTEN = Frozen(
    "The Agent Server knows the run no more that carried the answer: nobody can say how far the agent came. It is not told again"
)
FORGOTTEN_AND_ASKS = Frozen(
    "The Agent Server knows the run no more that carried the answer, and still asks: nobody can say how far the agent came. The answer is not "
    "given again; people are asked once more where somebody orders it"
)
THREAD_EMPTY = Frozen(
    "The Agent Server has lost where the thread stood: it names no question and no next step, and does not call it finished"
)
REFUSED_THERE = Frozen("The Agent Server does not take the answer: %(why)s")
