"""The one error of this package. Imports nothing."""


class ServiceError(Exception):
    """An embedded service cannot run here; the message is one sentence that says what to do."""
