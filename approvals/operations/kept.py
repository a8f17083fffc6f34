"""Sentences that rows and the log keep: reasons the product gives itself, and names of what decides without a person.

Kept in English and found again by their template when a page shows them (`audit.languages.told`). Imports `audit.sentences` only. Changing
one leaves what older rows say in English: add a new one instead, and keep the old.
"""

from audit.sentences import Frozen

# Who decided, where it was no person.
POLICY = Frozen("policy %(version)s", only={"version": "[^ ]+"})
GRANT = Frozen("grant %(id)s of %(who)s", only={"id": "[0-9]+"})

# Why policy decided.
REFUSED = Frozen("Policy refuses this: %(why)s", parts=["why"])
SWITCHED_OFF = Frozen("%(who)s switched %(what)s off: %(why)s")
SWITCHED_TO_ASK = Frozen("%(who)s has people asked about %(what)s: %(why)s")
PASSES = Frozen("Policy asks nobody for %(level)s risk", parts=["level"])
EDIT_REFUSED = Frozen("Policy refuses these arguments: %(why)s", parts=["why"])
FIRST = Frozen("The policy file of the first start")
AT_LINE = Frozen("line %(line)s: %(why)s", parts=["why"], only={"line": "[0-9]+"})

# Why something is asked again, or came to an end by itself.
ASKS_MORE_OF = Frozen("Policy %(now)s now asks for more than %(then)s did: %(what)s", parts=["what"])
GRANT_REVOKED = Frozen("The grant that let it through was revoked")
COUNTS_NO_LONGER = Frozen("An approval no longer counts: somebody who gave it has been locked since, or a grant was revoked")
NO_LONGER_ENOUGH = Frozen(
    "An approval no longer counts: somebody who gave it has been locked or has lost the role since, or a grant was revoked"
)
PROVE_MORE = Frozen("At this level people prove more now than somebody who approved it did")
BEFORE_A_HALT = Frozen("Approved before a halt, which has been released since")
RAN_OUT_IN_HALT = Frozen("Its time ran out during a halt")
NOBODY_DECIDED = Frozen("The time allowed for a decision ran out")
NOT_USED = Frozen("The time allowed for a worker to act on the approval ran out")
HALTED_UNDECIDED = Frozen("Nobody decided on %(tool)s in time, and policy halts the run then")
LOOP = Frozen("A loop: %(tool)s was proposed %(n)d times with the same arguments in this run; the policy allows %(most)d")

# Why Countersign halted by itself.
FAILED_CALLS = Frozen(
    "Rule failed_calls: %(n)d of %(of)d calls failed within %(minutes)d min; from %(most)d on, and %(share)d percent, it halts"
)
FAILED_RUNS = Frozen(
    "Rule failed_runs: %(n)d of %(of)d runs failed within %(minutes)d min; from %(most)d on, and %(share)d percent, it halts"
)
TOKENS = Frozen("Rule tokens: %(n)d tokens used within %(minutes)d min; from %(most)d on it halts")
REJECTED_RUN = Frozen("Rule rejected_run: %(n)d proposals of this run rejected in a row within %(minutes)d min; from %(most)d on it halts")
REJECTED_AGENT = Frozen(
    "Rule rejected_agent: %(n)d proposals of this agent rejected in a row within %(minutes)d min; from %(most)d on it halts"
)

NOT_AGAIN = Frozen("%(who)s said not to propose this again in this run")
NOT_AGAIN_WHY = Frozen("%(who)s said not to propose this again in this run: %(why)s")
BEFORE = Frozen("%(who)s rejected the same call in this run before")
BEFORE_WHY = Frozen("%(who)s rejected the same call in this run before: %(why)s")
NEVER_REPORTED = Frozen("The agent took leave to do this and never said what came of it")
COULD_NOT = Frozen("%(who)s took this over and could not do it: %(words)s")

# Why a second model gave no opinion.
TOO_LONG = Frozen("It answered at a length nobody asked for")
SOMETHING_ELSE = Frozen("It answered something else than what was asked for")
NOT_IN_TIME = Frozen("It did not answer in time")
NOT_ASKED = Frozen("It could not be asked: %(why)s")
NOBODY_ANSWERED = Frozen("No answer came in time")
ASKS_NOW = Frozen("The policy in force now asks people")
NEEDS_OPINION = Frozen("Policy passes this only with a second model's opinion, and none came")
DOUBTED_MORE = Frozen("%(doubt)s: %(more)s", parts=["doubt", "more"], only={"doubt": "A second model finds it [a-z]+"})

# Why what people had begun or given is asked again: who they are was corrected.
ONE_PERSON = Frozen("%(names)s were found to be one person")
OWN_PERSON = Frozen("%(name)s was found to be a person of their own")
REGROUPED = Frozen("Which accounts are one person was corrected, and one of them gave this")

# Why a call counts for more than its tool is declared now.
AS_ACCEPTED = Frozen(
    "Its tool was declared otherwise, which nobody has accepted yet, so whichever asks for more counts: %(what)s", parts=["what"]
)

# Who took whose approval back, with and without their words.
OWN, OWN_WHY = Frozen("%(who)s took their own approval back"), Frozen("%(who)s took their own approval back: %(why)s")
OWN_WORD, OWN_WORD_WHY = Frozen("%(who)s took their own verdict back"), Frozen("%(who)s took their own verdict back: %(why)s")
THEIRS, THEIRS_WHY = Frozen("%(who)s took %(whose)s's approval back"), Frozen("%(who)s took %(whose)s's approval back: %(why)s")
IT, IT_WHY = Frozen("%(who)s took the approval back"), Frozen("%(who)s took the approval back: %(why)s")

# Why a desk changed.
CAME_BACK = Frozen("came back")
TIME_IS_UP = Frozen("time is up")
GIVEN_BACK = Frozen("given back")
TAKEN_BACK = Frozen("taken back")
HOLDER_MAY_NOT = Frozen("whoever had it may not decide it any more")
ASKED_ANEW = Frozen("it is asked anew, as another version")
AWAY = Frozen("away")
DECLINED = Frozen("declined")
ABSENT = Frozen("Away")

# Why a worker gave no answer.
WORKER_DIED = Frozen("Its worker died each time it tried to answer")
EDIT_KILLS = Frozen(
    "Checking this ended its worker %(n)d times, and nothing was changed: write other values or decide it as it is, "
    "and have an operator look at the workers' logs"
)
SAID_NOTHING = Frozen("The agent said nothing")
NOT_FINISHED = Frozen("It could not be finished: %(error)s")
DECIDED_MEANWHILE = Frozen("The action was decided while the edit was being checked")
RAN_OUT_MEANWHILE = Frozen("The time to decide this ran out while the edit was being checked")
EDITOR_LOCKED = Frozen("The account of whoever wanted this edit has been locked")
EDITOR_MAY_NOT = Frozen("Whoever wanted this edit may not decide it any more: %(why)s", parts=["why"])

# Why a message was not sent.
GONE = Frozen("The device was removed")
LOCKED = Frozen("The account is locked")
TOLD_INSTEAD = Frozen("Away: whoever stands in is told instead")
NO_DIGEST = Frozen("The morning is over, or the digest is no longer wanted")
NOTHING_WAITED = Frozen("Nothing waited")
ACTION_GONE = Frozen("The action is gone")
ALREADY = Frozen("Already %(state)s", parts=["state"])
ASKED_AGAIN = Frozen("Asked again as a newer version, which is told by itself")
RAN_OUT = Frozen("Its time ran out")
NOT_WANTED = Frozen("No longer wanted")
TAMPERED = Frozen("What is stored does not match its digest")
MAY_NOT = Frozen("May no longer decide it")
HAS_DECIDED = Frozen("Has decided it")
DIED = Frozen("The worker died while it was handing this over")
