"""The browsers a person asked to be called on. In the log: it is a place their work is told to."""

import re
from base64 import urlsafe_b64decode

from django.db import transaction

from approvals.errors import BadRequest, NotFound
from approvals.models import Device, User
from approvals.notify import push
from audit import log
from audit.log import Entry
from audit.sentences import say

MOST = 10
_KEY = re.compile(r"[A-Za-z0-9_-]+=*")
_SIZES = {"p256dh": 65, "auth": 16}


@transaction.atomic
def add(*, by: User, endpoint: str, p256dh: str, auth: str, name: str, door: str) -> Device:
    """Call this browser from now on. One that somebody else had used on this machine changes hands.

    Raises:
        BadRequest: the address is no push service we call, the keys are none, or there are too many.
    """
    if why := push.refuses(endpoint):
        raise BadRequest(why)
    for field, value in (("p256dh", p256dh), ("auth", auth)):
        if not _KEY.fullmatch(value) or len(value) > 200 or _size(value) != _SIZES[field]:
            raise BadRequest(say("%(field)s is not the key a browser gives", field=field))
    if Device.objects.filter(user=by).exclude(endpoint=endpoint).count() >= MOST:
        raise BadRequest(say("At most %(most)d devices are called; remove one first", most=MOST))
    shown = "".join(c for c in name if c.isprintable())[:60] or say("A browser")
    before = Device.objects.select_for_update(of=("self",)).select_related("user").filter(endpoint=endpoint).first()
    device, new = Device.objects.update_or_create(endpoint=endpoint, defaults={"user": by, "p256dh": p256dh, "auth": auth, "name": shown})
    if before and before.user_id != by.pk:
        # Told to both: the one is no longer called there, the other is from now on.
        log.append(_entry(by, "person.device_taken", door, before.name, of=before.user))
    if new or (before and before.user_id != by.pk):
        log.append(_entry(by, "person.device_added", door, shown))
    return device


@transaction.atomic
def remove(device_id: int, *, by: User, door: str) -> None:
    """Call it no more. Raises NotFound when it is not this person's."""
    device = Device.objects.filter(pk=device_id, user=by).first()
    if device is None:
        raise NotFound(say("There is no such device among yours"))
    log.append(_entry(by, "person.device_removed", door, device.name))
    device.delete()


def _size(key: str) -> int:
    try:
        return len(urlsafe_b64decode(key + "=" * (-len(key) % 4)))
    except ValueError:
        return -1


def _entry(by: User, kind: str, door: str, name: str, *, of: User | None = None) -> Entry:
    """`of`: whose device it is, where that is not who did it."""
    whose = of or by
    return Entry(stream=f"person:{whose.pk}", kind=kind, by=by.actor, door=door, data={"username": whose.username, "name": name})
