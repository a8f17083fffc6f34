"""Letters to programs under way: one to each endpoint at once, so that one whose machine is slow keeps nobody else's waiting.

A thread for each letter, which only sends; whoever began them writes down what came of each. Imports `webhooks`.
"""

import queue
import threading
import time

from approvals.notify.errors import NotSent
from approvals.operations import webhooks
from approvals.operations.webhooks import Letter

AT_ONCE = webhooks.MOST  # a place for each endpoint
LOOK_S = 0.5

Answer = tuple[Letter, int | None, NotSent | None]


def post_due(*, seconds: float) -> None:
    """Owe endpoints what has happened and post what is due, for so long; then only what is under way, and what is quick, is seen to its end."""
    until, answers, under_way = time.monotonic() + seconds, queue.SimpleQueue[Answer](), 0
    webhooks.spread()
    while True:
        letter = None
        if under_way < AT_ONCE:
            letter = webhooks.claim(sound=time.monotonic() > until)
        if letter is not None:
            threading.Thread(target=_send, args=(letter, answers), name=f"post-{letter.id}", daemon=True).start()
            under_way += 1
        elif not under_way:
            return
        under_way -= _recorded(answers, wait_s=LOOK_S if letter is None else 0)


def _send(letter: Letter, answers: "queue.SimpleQueue[Answer]") -> None:
    try:
        answers.put((letter, *webhooks.post(letter)))
    except BaseException as error:  # whoever began it waits for an answer
        answers.put((letter, None, NotSent(type(error).__name__)))
        raise


def _recorded(answers: "queue.SimpleQueue[Answer]", *, wait_s: float) -> int:
    """Write down what has come, after waiting so long for the first. How many that were; while none comes, more may have happened."""
    count = 0
    while True:
        try:
            answer = answers.get(timeout=wait_s) if wait_s and not count else answers.get_nowait()
        except queue.Empty:
            if wait_s and not count:
                webhooks.spread()
            return count
        webhooks.record(*answer)
        count += 1
