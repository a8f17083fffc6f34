"""Pages of the audit room."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
