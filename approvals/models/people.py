"""Who acts: people and agents are users of one kind, so that permission and audit know one kind of actor."""

import uuid

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models.functions import Now

from audit.actors import Actor


def new_person() -> str:
    return uuid.uuid4().hex


class User(AbstractUser):
    """An account. Two accounts of one human share `person`: rules of separation compare people, not accounts."""

    class Kind(models.TextChoices):
        HUMAN = "human"
        AGENT = "agent"

    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.HUMAN)
    person = models.CharField(max_length=64, default=new_person, db_index=True)

    class Meta(AbstractUser.Meta):
        swappable = "AUTH_USER_MODEL"
        constraints = [models.CheckConstraint(condition=models.Q(kind__in=["human", "agent"]), name="user_kind_known")]

    @property
    def display_name(self) -> str:
        return self.get_full_name() or self.get_username()

    @property
    def actor(self) -> Actor:
        """How the audit log names this account."""
        return Actor(self.kind, str(self.pk), self.get_username())


class LoginLink(models.Model):
    """A way in for one person, printed by `manage.py login_links`; only the token's hash is kept."""

    token_sha256 = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE)
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"link of {self.user}"
