"""How a person likes their desk, and what they have open. Nothing here decides anything; it may be lost."""

from django.conf import settings
from django.db import models


class Preference(models.Model):
    """One row per person, made when first needed: choices and saved views as JSON, and the action on their screen."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="+")
    choices = models.JSONField(default=dict)
    views = models.JSONField(default=list)
    viewing = models.TextField(blank=True)
    viewing_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["viewing", "viewing_at"], name="preference_viewing", condition=~models.Q(viewing=""))]

    def __str__(self) -> str:
        return f"preferences of {self.user_id}"
