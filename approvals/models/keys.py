"""Keys for programs: an agent's, by which it proposes, and a person's own token. And what an outside agent took leave to do.

Only a key's hash is stored: it is shown once, when it is made.
"""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from approvals.models.actions import Action, frozen, kept


class ApiKey(models.Model):
    """One key. Whose it is says what it may do at most (`user.kind`); `scopes` narrow that."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="api_keys")
    name = models.TextField()
    start = models.CharField(max_length=16)  # its first characters, so that people recognise it
    secret_sha256 = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    revoked_by = models.TextField(blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(revoked_at=None) | ~Q(revoked_by=""), name="key_revoked_by_somebody")]
        indexes = [models.Index(fields=["user", "-id"], name="key_by_user")]
        triggers = [frozen("user", "secret_sha256", "scopes", "expires_at", "created_at"), kept()]

    def __str__(self) -> str:
        return f"{self.name} of {self.user_id}"


class ApiUse(models.Model):
    """How often a key was used in its latest minute: what the rate limit counts, and when it was last seen. Unlogged: a crash forgets it."""

    key = models.OneToOneField(ApiKey, primary_key=True, on_delete=models.CASCADE, related_name="use")
    minute = models.DateTimeField()
    calls = models.IntegerField()

    def __str__(self) -> str:
        return f"{self.calls} calls"


class OutsideClaim(models.Model):
    """That an agent from outside took leave to act on an approved action, once. The same `claim_key` is the same claim."""

    action = models.OneToOneField(Action, primary_key=True, on_delete=models.PROTECT, related_name="outside_claim")
    api_key = models.ForeignKey(ApiKey, on_delete=models.PROTECT, related_name="+")
    claim_key = models.TextField(blank=True)
    digest = models.CharField(max_length=64)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        triggers = [frozen(), kept()]

    def __str__(self) -> str:
        return f"claim of {self.action_id}"
