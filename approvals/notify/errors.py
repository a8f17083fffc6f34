"""Why a message could not be sent, as the one who keeps the queue needs to know it."""


class NotSent(Exception):
    """A message did not go out, or nobody knows whether it did.

    Attributes:
        why: the sentence for the list of deliveries.
        permanent: trying again would give the same answer.
        unsure: it was handed over and no answer came: it may have arrived.
        answered: the server itself said that it failed; what it may have done before that is not known either.
        down: the server itself cannot be reached: others would fail as well.
        gone: the address exists no more and should be forgotten.
        wait_s: the server said for how long to leave it alone.
        method: which part of the server said that, where others of it may go on; "" for all of it.
    """

    def __init__(
        self, why: str, *, permanent: bool = False, unsure: bool = False, down: bool = False, gone: bool = False, wait_s: float = 0,
        method: str = "", answered: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(why)
        self.why, self.permanent, self.unsure, self.down, self.gone = why[:500], permanent, unsure, down, gone
        self.wait_s, self.method, self.answered = wait_s, method, answered
