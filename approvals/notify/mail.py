"""One mail out through Django's backend, and what its failure means. A connection per mail: servers close idle ones without a word."""

import smtplib

from django.conf import settings
from django.core.mail import EmailMessage, get_connection

from approvals.notify.errors import NotSent
from audit.sentences import Frozen, say

FILES = "django.core.mail.backends.filebased.EmailBackend"
NOWHERE = (FILES, "django.core.mail.backends.console.EmailBackend", "django.core.mail.backends.dummy.EmailBackend")

# What went wrong, as a delivery keeps it.
NO_ADDRESS = Frozen("This account has no e-mail address; an administrator can add one")
REFUSES_US = Frozen("The mail server refuses our name and password: %(answer)s")
NOT_REACHED = Frozen("The mail server cannot be reached: %(why)s")
REFUSES_THEM = Frozen("The mail server refuses the address: %(code)s %(text)s")
ANSWERS = Frozen("The mail server answers %(answer)s")
ENDED = Frozen("The connection ended before the mail server answered: %(why)s")


def goes_out() -> bool:
    """Whether mail reaches anybody: without a server it is written to files."""
    return settings.EMAIL_BACKEND not in NOWHERE


def said() -> str:
    """Where mail goes, in a sentence for people."""
    if settings.EMAIL_BACKEND == FILES:
        return say("No mail server is set: mails are written to files in var/mail and reach nobody (setting EMAIL_URL)")
    if not goes_out():
        return say("No mail server is set: mails are printed to the worker's log and reach nobody (setting EMAIL_URL)")
    return say("Mails go out through %(host)s", host=settings.EMAIL_HOST) if "smtp" in settings.EMAIL_BACKEND else say("Mails go out")


def send(*, to: str, subject: str, body: str, message_id: str) -> None:
    """Send one plain-text mail.

    Args:
        message_id: the same for every try of one delivery, so that servers that look drop a second copy.

    Raises:
        NotSent: says whether another try makes sense. What was handed over without an answer is `unsure`: SMTP cannot tell
            whether the server took it, so whoever asks decides about a second one.
    """
    if not to:
        raise NotSent(NO_ADDRESS(), permanent=True)
    connection = get_connection(timeout=settings.EMAIL_TIMEOUT)
    try:
        connection.open()
    except smtplib.SMTPAuthenticationError as error:
        raise NotSent(REFUSES_US(answer=_answer(error)), down=True) from error
    except (OSError, smtplib.SMTPException) as error:
        raise NotSent(NOT_REACHED(why=error), down=True) from error
    message = EmailMessage(
        subject=subject, body=body, to=[to], connection=connection,
        headers={"Message-ID": message_id, "Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"},
    )  # fmt: skip
    try:
        message.send()
    except smtplib.SMTPRecipientsRefused as error:
        code, said_back = next(iter(error.recipients.values()), (550, b""))
        raise NotSent(REFUSES_THEM(code=code, text=_text(said_back)), permanent=code >= 500) from error
    except smtplib.SMTPResponseException as error:
        raise NotSent(ANSWERS(answer=_answer(error)), permanent=error.smtp_code >= 500) from error
    except (OSError, smtplib.SMTPException) as error:
        raise NotSent(ENDED(why=error), unsure=True) from error
    finally:
        _closed(connection)


def _closed(connection: object) -> None:
    try:
        connection.close()  # type: ignore[attr-defined]
    except (OSError, smtplib.SMTPException):
        return  # the mail's fate is known; how the server says good-bye does not change it


def _answer(error: smtplib.SMTPResponseException) -> str:
    return f"{error.smtp_code} {_text(error.smtp_error)}"


def _text(answer: bytes | str) -> str:
    return answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
