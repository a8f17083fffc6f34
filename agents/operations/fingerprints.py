"""The shape of what was asked: which fields of which kinds, whatever they hold. Kept with each pause and compared by `agents check`."""

from typing import Any

from audit import canonical


def shape_of(value: Any) -> str:
    """A fingerprint that is the same for two questions of the same form."""
    return canonical.fingerprint(_shape(value, 0))


def _shape(value: Any, depth: int) -> Any:
    if depth > 6:
        return "deep"
    if isinstance(value, dict):
        return {
            str(canonical.storable(str(key))): _shape(item, depth + 1) for key, item in sorted(value.items(), key=lambda kv: str(kv[0]))
        }
    if isinstance(value, list | tuple):
        return sorted({canonical.fingerprint(_shape(item, depth + 1)) for item in value[:50]})
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__
