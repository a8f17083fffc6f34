"""The page of notifications, devices and deliveries: what each person may set, see and send again."""

import os
from base64 import urlsafe_b64encode

import pytest
from django.urls import reverse

from approvals.models import Delivery, Device, User
from approvals.notify.errors import NotSent
from approvals.operations import delivering, reaching
from approvals.queries.reaching import wants
from tests import factories

PAGE = "/preferences/notifications"


def test_choices_are_kept_and_wrong_ones_are_explained_with_what_was_typed(web, cast):
    wanted = {
        "email-medium": "digest",
        "push-high": "off",
        "quiet_from": "22:00",
        "quiet_to": "07:00",
        "zone": "Europe/Berlin",
        "digest": "09:15",
    }
    assert web.post(PAGE, wanted).status_code == 302
    kept = wants(cast.reviewer)
    assert (kept.way("email", "medium"), kept.way("push", "high"), kept.way("email", "critical")) == ("digest", "off", "now")
    assert (kept.zone, str(kept.digest), kept.loud) == ("Europe/Berlin", "09:15:00", False)
    refused = web.post(PAGE, {**wanted, "zone": "<b>Mars"})
    assert refused.status_code == 422 and "no time zone" in refused.content.decode() and "<b>Mars" not in refused.content.decode()
    assert web.post(PAGE, {"email-low": "\x07"}).status_code == 422
    assert wants(cast.reviewer) == kept


def device(**more) -> dict[str, str]:
    def key(size: int) -> str:
        return urlsafe_b64encode(os.urandom(size)).rstrip(b"=").decode()

    return {"endpoint": "https://fcm.googleapis.com/fcm/send/x", "p256dh": key(65), "auth": key(16), "name": "Chrome on Linux", **more}


def test_a_browser_is_added_changes_hands_and_is_removed_by_its_owner_only(web, as_, cast):
    assert web.post(reverse("device-add"), device()).status_code == 204
    assert as_(cast.second).post(reverse("device-add"), device()).status_code == 204
    kept = Device.objects.get()
    assert kept.user == cast.second
    assert web.post(reverse("device-remove", args=[kept.pk])).status_code == 404
    assert "Chrome on Linux" in as_(cast.second).get(PAGE).content.decode()
    assert as_(cast.second).post(reverse("device-remove", args=[kept.pk])).status_code == 302 and not Device.objects.exists()


@pytest.mark.parametrize("wrong", [{"endpoint": "https://192.168.0.1/x"}, {"p256dh": "short"}, {"auth": "=" * 300}, {"auth": "\u00e9"}])
def test_what_is_no_browsers_address_or_key_is_refused_with_a_sentence(web, wrong):
    assert web.post(reverse("device-add"), device(**wrong)).status_code == 400 and not Device.objects.exists()


def test_deliveries_are_for_those_who_keep_it_running(web, as_, cast):
    User.objects.filter(pk=cast.reviewer.pk).update(email="rita@example.org")
    factories.action("high")
    reaching.spread()
    row = Delivery.objects.get()
    assert web.get(reverse("deliveries")).status_code == 403
    assert web.post(reverse("delivery-again", args=[row.pk])).status_code == 403
    operator = as_(cast.operator)
    page = operator.get(reverse("deliveries"), {"state": "WAITING"}).content.decode()
    assert "rita" in page and "1 waiting" in page
    assert "Nothing yet" in operator.get(reverse("deliveries"), {"state": "bad", "before": "9" * 30}).content.decode()
    assert operator.post(reverse("delivery-again", args=[row.pk])).status_code == 400
    parcel = delivering.claim("email")
    assert parcel
    delivering.record(parcel, NotSent("550 no such <person>", permanent=True))
    page = operator.get(reverse("deliveries"), {"state": "bad"}).content.decode()
    assert "550 no such &lt;person&gt;" in page
    assert operator.post(reverse("delivery-again", args=[row.pk])).status_code == 302 and Delivery.objects.get().state == "WAITING"


def test_a_try_says_when_there_is_nowhere_to_send_it(web, cast):
    assert web.post(reverse("notifications-trial"), {"channel": "push"}).status_code == 400
    assert web.post(reverse("notifications-trial"), {"channel": "pigeon"}).status_code == 400
    assert not Delivery.objects.exists()


def test_the_service_worker_comes_from_our_root_without_signing_in(client):
    answer = client.get("/sw.js")
    assert answer.status_code == 200 and answer["Content-Type"].startswith("text/javascript")
    assert b"showNotification" in answer.content and b"fetch(" not in answer.content
