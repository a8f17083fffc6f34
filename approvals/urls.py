"""Pages of the approvals room."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
