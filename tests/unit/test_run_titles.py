"""A run in a few words: what a person asked, never a program's way of writing it."""

import pytest

from agents.views.cards import title_of

ASKED = "Refund order 7, please"


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Yes?"}, {"role": "user", "content": ASKED}],
        [{"type": "human", "content": ASKED}, {"type": "ai", "content": "Done"}],
        [["user", ASKED]],
        [{"type": "human", "content": [{"type": "text", "text": ASKED}, {"type": "image_url", "image_url": {"url": "x"}}]}],
        [{"lc": 1, "type": "constructor", "id": ["langchain", "schema", "HumanMessage"], "kwargs": {"content": ASKED, "type": "human"}}],
        {"role": "user", "content": ASKED},
        [ASKED],
        ASKED,
    ],
)
def test_a_run_of_messages_is_named_by_what_a_person_said_last(messages):
    assert title_of({"messages": messages}) == ASKED


@pytest.mark.parametrize(
    "messages", [[], [{"role": "assistant", "content": "x"}], [7, None, {}, ["user"]], [{"role": "user", "content": None}]]
)
def test_messages_without_a_persons_word_are_shown_as_json(messages):
    said = title_of({"messages": messages})
    assert said.startswith("messages [") and "'" not in said and "None" not in said


def test_other_inputs_are_told_by_their_most_telling_field():
    assert title_of({"a": 1, "ticket": "T-1"}) == "ticket T-1"
    assert title_of({"ids": ["x", True]}) == 'ids ["x", true]'
    assert title_of({"goal": "g" * 90}) == f"goal {'g' * 77}…"
    assert title_of({"messages": [["user", ASKED]], "goal": "tidy"}) == "goal tidy"
