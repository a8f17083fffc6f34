"""Where each door hangs. Rooms bring their own urls; health, login links and errors are the process's."""

from django.contrib.auth.decorators import login_not_required
from django.urls import include, path
from django.views.generic import RedirectView

from agents.api.door import urls as api_urls
from config import health

urlpatterns = [
    path("health/live", health.live),
    path("health/ready", health.ready),
    # One page shows all factors and sessions; allauth's own two lists lead there.
    path("accounts/2fa/", RedirectView.as_view(pattern_name="security")),
    path("accounts/2fa/webauthn/", RedirectView.as_view(pattern_name="security")),
    path("accounts/3rdparty/", RedirectView.as_view(pattern_name="security")),
    path("accounts/", include("allauth.urls")),
    path("favicon.ico", login_not_required(RedirectView.as_view(url="/static/countersign/icon.svg"))),
    path("api/v1/", api_urls()),
    path("", include("approvals.urls")),
    path("", include("agents.urls")),
    path("audit/", include("audit.urls")),
]

handler400 = "config.errors.bad_request"
handler403 = "config.errors.forbidden"
handler404 = "config.errors.not_found"
handler500 = "config.errors.server_error"
