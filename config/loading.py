"""Garbage while a process loads, and after. What is loaded stays: looking through it again and again takes a sixth of every start.

Imports nothing of ours: `config` itself begins with it.
"""

import gc

WHILE_LOADING = (50_000, 20, 100)
_usual = gc.get_threshold()


def begin() -> None:
    """From here on the collector looks rarely. A command stays like that: it is soon over."""
    gc.set_threshold(*WHILE_LOADING)


def loaded() -> None:
    """All that is there by now is out of the collector's way for good; children share its pages. From here on it looks as usual."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_usual)
