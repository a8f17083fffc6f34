"""A language for tests: every message of gettext comes back in ⟦brackets⟧, so that what never went through it shows."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.utils import translation
from django.utils.translation import trans_real

from audit import languages

OPEN, CLOSE = "⟦", "⟧"


@contextmanager
def pseudo_language() -> Iterator[None]:
    """Until the end, gettext wraps what it gives, in any language; numbers and dates stay English."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("gettext", "ngettext", "pgettext", "npgettext"):
            patch.setattr(vars(translation)["_trans"], name, _wrapping(getattr(trans_real, name)), raising=False)
        # English is not looked up by `told`; here it has to be.
        patch.setattr(languages, "SOURCE", "")
        languages._kept.cache_clear()
        with translation.override("en"):
            yield
    languages._kept.cache_clear()


def _wrapping(real: Any) -> Any:
    def wrapped(*args: Any) -> str:
        text = real(*args)
        return f"{OPEN}{text}{CLOSE}" if text.strip() else text

    return wrapped
