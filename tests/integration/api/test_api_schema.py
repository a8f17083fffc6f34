"""Whatever Schemathesis makes up from the OpenAPI document: never a 5xx, and never an answer the document does not describe."""

import re

import pytest

from tests import api_cases

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("kind", api_cases.KINDS)
def test_no_answer_is_broken_or_undescribed(kind, outside, cast, settings):
    settings.API_RATE = settings.API_RATE_STRANGERS = 10**9
    done = api_cases.run(cast, kind, cases=api_cases.CASES // len(api_cases.KINDS))
    print(f"{kind}: {done.cases} cases, {dict(sorted(done.statuses.items()))}")
    assert not done.failures, f"{len(done.failures)} failed:\n\n" + "\n\n".join(done.failures[:6])
    assert done.cases >= api_cases.CASES // len(api_cases.KINDS) * 0.8


def test_the_page_of_the_document_is_a_page_of_ours(client, db):
    """Without signing in: a language, a heading, nothing inline and nothing from elsewhere."""
    page = client.get("/api/v1/docs")
    text = page.content.decode()
    assert page.status_code == 200 and '<html lang="en"' in text and "<main" in text and "<h1>" in text
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text)) and not re.search(r"https?://|<style", text)
    assert 'data-document="/api/v1/openapi.json"' in text
