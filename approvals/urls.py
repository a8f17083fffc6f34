"""Pages of the approvals room. The form of edited arguments and the effect of an action are pages of agents."""

from django.urls import path

from approvals.web.views import action, decide, links, lists, live

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
    path("actions/<uuid:action_id>/decide", decide.decide, name="action-decide"),
    path("live/catchup", live.catchup, name="live-catchup"),
    path("halt/banner", live.banner, name="halt-banner"),
    path("login/link/<str:token>", links.sign_in, name="login-link"),
]
