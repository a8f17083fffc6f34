"""Pages of the agents room, and those pages of actions, halts and policies that need both rooms."""

from django.urls import path

from agents.views import agents, asks, connect, edits, effects, halts, keys, policies, ratings, runs, webhooks

urlpatterns = [
    path("agents/", agents.agents, name="agents"),
    path("agents/<slug:slug>/", agents.agent, name="agent"),
    path("agents/<slug:slug>/connect/", connect.connect, name="agent-connect"),
    path("agents/<slug:slug>/connect/arrived", connect.arrived, name="agent-arrived"),
    path("runs/", runs.runs, name="runs"),
    path("runs/new/", runs.choose, name="run-choose"),
    path("runs/new/<slug:slug>/", runs.start, name="run-start"),
    path("runs/<uuid:run_id>/", runs.run, name="run"),
    path("runs/<uuid:run_id>/live", runs.run_live, name="run-live"),
    path("runs/<uuid:run_id>/cancel", runs.cancel, name="run-cancel"),
    path("runs/<uuid:run_id>/retry", runs.retry, name="run-retry"),
    path("runs/<uuid:run_id>/rate", ratings.rate, name="run-rate"),
    path("runs/<uuid:run_id>/ask-again", runs.ask_again, name="run-ask-again"),
    path("actions/<uuid:action_id>/edit", edits.edit, name="action-edit"),
    path("actions/<uuid:action_id>/edit/diff", edits.diff, name="action-edit-diff"),
    path("actions/<uuid:action_id>/effect", effects.effect, name="action-effect"),
    path("actions/<uuid:action_id>/effect/resolve", effects.resolve_form, name="effect-resolve"),
    path("actions/<uuid:action_id>/effect/resolved", effects.resolve, name="effect-resolved"),
    path("actions/<uuid:action_id>/ask", asks.ask, name="action-ask"),
    path("actions/<uuid:action_id>/asks", asks.asks, name="action-asks"),
    path("policies/", policies.policies_page, name="policies"),
    path("policies/edit", policies.editor, name="policy-edit"),
    path("policies/<int:version_id>/", policies.version_page, name="policy"),
    path("policies/<int:version_id>/publish", policies.publish, name="policy-publish"),
    path("policies/<int:version_id>/withdraw", policies.withdraw, name="policy-withdraw"),
    path("policies/backtests/<int:backtest_id>", policies.backtest, name="policy-backtest"),
    path("keys/", keys.page, name="keys"),
    path("keys/make", keys.make, name="key-make"),
    path("keys/<int:key_id>/revoke", keys.revoke, name="key-revoke"),
    path("webhooks/", webhooks.page, name="webhooks"),
    path("webhooks/add", webhooks.add, name="webhook-add"),
    path("webhooks/<int:endpoint_id>/switch", webhooks.switch, name="webhook-switch"),
    path("webhooks/<int:endpoint_id>/test", webhooks.test, name="webhook-test"),
    path("webhooks/messages/<int:post_id>/again", webhooks.again, name="webhook-again"),
    path("halt/", halts.halt, name="halt"),
    path("halt/<int:halt_id>/release", halts.release, name="halt-release"),
]
