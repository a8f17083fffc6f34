"""Whatever Schemathesis makes up from the OpenAPI document: never a 5xx, and never an answer the document does not describe."""

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
