"""What policy would make of a proposal that nobody made: nothing is opened, counted or written. Imports what `opening` does."""

from approvals.operations import policies, under_switch
from approvals.operations.assessing import assessed, facts_of, look
from approvals.operations.proposals import Proposal
from approvals.policy.risk import Assessment
from approvals.policy.rules import Policy


def would_ask(proposal: Proposal, *, policy: Policy | None = None) -> Assessment:
    """The assessment this proposal would get now, under the policy in force or another one.

    What its run has proposed before counts; grants are not looked at. Raises what `policies.in_force` does.
    """
    _, _, approvals_before, in_force, _, was, switch = look(proposal, "")
    by = policy or policies.known(in_force)
    _, assessment = assessed(proposal, by, facts_of(proposal, by, approvals_before, was))
    return under_switch.stricter(by.data, assessment, switch if proposal.kind == "tool" else None)
