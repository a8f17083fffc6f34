"""Pages of the agents room."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
