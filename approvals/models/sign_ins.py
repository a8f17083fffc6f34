"""Who is signed in where, and the one-time challenges a passkey signs for a critical decision."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class SignIn(models.Model):
    """One browser a person is signed in with. Django's session holds its id; ending it deletes that session.

    `proved_at` is when the person last showed, by `proof`, that it is they: the database's clock, never the session's.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sign_ins")
    session_key = models.CharField(max_length=40)
    device = models.TextField(blank=True)
    proof = models.TextField()
    proved_at = models.DateTimeField(db_default=Now())
    created_at = models.DateTimeField(db_default=Now())
    seen_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)
    ended_by = models.TextField(blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["user", "-seen_at"], name="sign_in_open", condition=Q(ended_at=None)),
            models.Index(fields=["session_key"], name="sign_in_by_session", condition=Q(ended_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.user} on {self.device}"


class Shared(models.Model):
    """What all web processes count together about signing in (`config.shared`): guesses at a password, codes that were used."""

    key = models.TextField(primary_key=True)
    value = models.TextField()
    expires_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="shared_over")]

    def __str__(self) -> str:
        return self.key


class Challenge(models.Model):
    """What a passkey is asked to sign: one person, one version of an action, one verdict, one time, for a few minutes."""

    nonce = models.CharField(max_length=32, primary_key=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    sign_in = models.ForeignKey(SignIn, on_delete=models.CASCADE, related_name="+")
    action = models.UUIDField()
    digest = models.CharField(max_length=64)
    verdict = models.CharField(max_length=10)
    rp_id = models.TextField()
    created_at = models.DateTimeField(db_default=Now())
    used_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["created_at"], name="challenge_old")]

    def __str__(self) -> str:
        return f"{self.verdict} of {self.action}"
