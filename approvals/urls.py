"""Pages of the approvals room. The form of edited arguments and the effect of an action are pages of agents."""

from django.urls import path

from approvals.web.views import action, bulk, decide, grants, links, lists, live, preferences, undo

urlpatterns = [
    path("", lists.home, name="home"),
    path("inbox/", lists.inbox, name="inbox"),
    path("inbox/list", lists.inbox_list, name="inbox-list"),
    path("inbox/count", lists.inbox_count, name="inbox-count"),
    path("inbox/row/<uuid:action_id>", lists.inbox_row, name="inbox-row"),
    path("decided/", lists.decided, name="decided"),
    path("actions/<uuid:action_id>/", action.page, name="action"),
    path("actions/<uuid:action_id>/what", action.what, name="action-what"),
    path("actions/<uuid:action_id>/changed", action.changed, name="action-changed"),
    path("actions/<uuid:action_id>/approve", action.approve_sheet, name="action-approve"),
    path("actions/<uuid:action_id>/reject", action.reject_sheet, name="action-reject"),
    path("actions/<uuid:action_id>/respond", action.respond_sheet, name="action-respond"),
    path("actions/<uuid:action_id>/take-over", action.take_over_sheet, name="action-take-over"),
    path("actions/<uuid:action_id>/undo", undo.undo, name="action-undo"),
    path("actions/<uuid:action_id>/decide", decide.decide, name="action-decide"),
    path("actions/<uuid:action_id>/led", action.led, name="action-led"),
    path("actions/<uuid:action_id>/viewing", preferences.viewing, name="action-viewing"),
    path("preferences/", preferences.page, name="preferences"),
    path("preferences/theme", preferences.theme, name="preferences-theme"),
    path("preferences/views", preferences.save_view, name="view-save"),
    path("preferences/views/remove", preferences.remove_view, name="view-remove"),
    path("inbox/news", lists.inbox_news, name="inbox-news"),
    path("live/catchup", live.catchup, name="live-catchup"),
    path("actions/<uuid:action_id>/grant", grants.new, name="grant-new"),
    path("together/", bulk.page, name="bulk"),
    path("together/decide", bulk.decide, name="bulk-decide"),
    path("grants/", grants.grants_page, name="grants"),
    path("grants/<int:grant_id>/", grants.grant_page, name="grant"),
    path("grants/<int:grant_id>/too", grants.give_too, name="grant-too"),
    path("grants/<int:grant_id>/revoke", grants.revoke, name="grant-revoke"),
    path("halt/banner", live.banner, name="halt-banner"),
    path("login/link/<str:token>", links.sign_in, name="login-link"),
]
