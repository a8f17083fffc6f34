"""In a real browser: values whose letters run both ways are drawn in the order in which they are written."""

import html
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from approvals.templatetags.render import named, reveal

# Where the browser draws each character of the text: those of one line, from left to right.
DRAWN = """() => {
  const places = [], walk = document.createTreeWalker(document.querySelector('p'), NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode())
    for (let i = 0; i < node.length; i++) {
      const range = document.createRange();
      range.setStart(node, i); range.setEnd(node, i + 1);
      const box = range.getBoundingClientRect();
      places.push([node.data[i], box.left]);
    }
  return places;
}"""


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    with chromium.new_page() as page:
        yield page


def words_drawn(page: Page, text: str) -> list[str]:
    """The words of the text in the order of their places on the screen."""
    page.set_content(f"<p style='white-space:pre;font:20px monospace'>{reveal(text)}</p>")
    places = page.evaluate(DRAWN)
    assert "".join(char for char, _ in places) == text
    words, at = [], 0
    for word in re.split(r"(\s+)", text):
        if word.strip():
            words.append((min(left for _, left in places[at : at + len(word)]), word))
        at += len(word)
    return [word for _, word in sorted(words)]


@pytest.mark.parametrize(
    "text",
    ["pay 100 \u05d0\u05d1 200 to 300", "100 \u05d0 200 \u05d1 300", "\u05d0\u05d1 to \u05d2\u05d3", "Refund 10 to \u05de\u05e9\u05d4 for 20 items", "from \u0627\u0628 1 2 3"],
)  # fmt: skip
def test_numbers_and_names_stand_where_they_are_written(page: Page, text: str) -> None:
    assert words_drawn(page, text) == text.split()
    title = named(text)
    assert re.sub("[\u2066\u2067\u2069]", "", title) == text and title != text  # isolates, for where no markup can stand


def test_a_browser_by_itself_would_draw_it_otherwise(page: Page) -> None:
    text = "pay 100 \u05d0\u05d1 200 to 300"
    page.set_content(f"<p style='white-space:pre;font:20px monospace'><bdi>{html.escape(text)}</bdi></p>")
    lefts = {}
    for i, (_, left) in enumerate(page.evaluate(DRAWN)):
        lefts[i] = left
    assert lefts[text.index("200")] < lefts[text.index("\u05d0")]


def test_prose_from_the_right_is_read_from_the_right_with_its_foreign_words_whole(page: Page) -> None:
    text = "\u05e9\u05dc\u05d5\u05dd \u05dc\u05db\u05d5\u05dc\u05dd \u05d4\u05d6\u05de\u05e0\u05d4 10077 \u05e9\u05dc Big Cat \u05d4\u05d2\u05d9\u05e2\u05d4"
    drawn = words_drawn(page, text)
    assert [word for word in reversed(drawn) if not word.isascii()] == [word for word in text.split() if not word.isascii()]
    assert drawn.index("Big") + 1 == drawn.index("Cat") and drawn.index("Cat") < drawn.index("10077")
