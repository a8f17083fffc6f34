"""Pages of the audit room."""

from django.urls import path

from audit.views import pages

urlpatterns = [
    path("", pages.events, name="events"),
    path("<int:event_id>/", pages.event, name="event"),
]
