"""Rules every page keeps, read from the files: no inline script or style, small fragments, tokens with contrast, little weight."""

import gzip
import itertools
import re
from pathlib import Path

import django_htmx
import pytest

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
STATIC = ROOT / "approvals" / "static" / "countersign"
TOKENS = dict(re.findall(r"--([\w-]+): light-dark\(([^;]+)\);", (STATIC / "css" / "tokens.css").read_text()))


def short(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", TEMPLATES, ids=short)
def test_no_template_has_inline_script_or_style(path):
    text = path.read_text()
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:|hx-on|hx-vals='js:", text)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text))
    assert not re.search(r"""(?:src|href)=["']https?://""", text)


@pytest.mark.parametrize("path", [p for p in TEMPLATES if p.name.startswith("_")], ids=short)
def test_fragments_are_small(path):
    assert len(path.read_text().splitlines()) < 50


@pytest.mark.parametrize("path", TEMPLATES, ids=short)
def test_nothing_is_marked_safe_in_a_template(path):
    allowed = {"templates/account/_fields.html"}  # help texts of our own forms
    assert short(path) in allowed or not re.search(r"\|\s*safe\b|autoescape off", path.read_text())


def test_a_page_weighs_at_most_50_kilobytes():
    # Only on pages that have less of the others: where somebody signs in or signs, looks at a run or at lists of many, changes a policy, reads what was decided or chooses how to be told; and the palette and what copies, when first wanted. sw.js is no page's.
    later = {
        "passkey.js",
        "palette.js",
        "moved.js",
        "after.js",
        "news.js",
        "pace.js",
        "keep.js",
        "neighbours.js",
        "leaving.js",
        "carry.js",
        "hash.js",
        "halt.js",
        "refused.js",
        "ledgers.css",
        "palette.css",
        "figures.css",
        "prefs.css",
        "security.css",
        "grants.css",
        "policies.css",
        "reach.css",
        "together.css",
        "keys.css",
        "connect.css",
        "runs.css",
        "run.js",
        "plain.css",
        "console.css",
        "audit.css",
        "docs.css",
        "docs.js",
        "reach.js",
        "sw.js",
    }
    files = [p for p in STATIC.rglob("*") if p.suffix in {".css", ".js"} and p.name not in later]
    files.append(Path(django_htmx.__file__).parent / "static" / "django_htmx" / "htmx-2.min.js")
    assert sum(len(gzip.compress(path.read_bytes())) for path in files) <= 50_000


def luminance(colour: str) -> float:
    parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def token(name: str, theme: int) -> str:
    return TOKENS[name].split(",")[theme].strip()


GROUNDS = ("canvas", "surface", "raised", "sunken", "selected")
KINDS = ("low", "medium", "high", "critical", "approve", "reject")
TEXTS = [
    *itertools.product(("text", "text-2", "text-3", "accent-text"), GROUNDS),
    *((f"{kind}-text", ground) for kind in KINDS for ground in (*GROUNDS, f"{kind}-tint")),
    *((f"{kind}-on", kind) for kind in KINDS),
    ("on-accent", "accent"),
    ("accent-text", "accent-tint"),
]


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_text_can_be_read_on_every_ground(theme):
    poor = {(a, b): round(contrast(token(a, theme), token(b, theme)), 2) for a, b in TEXTS}
    assert {pair: ratio for pair, ratio in poor.items() if ratio < 4.5} == {}


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_lines_and_marks_can_be_seen(theme):
    marks = itertools.product(("border-strong", "focus", "accent", *KINDS), ("canvas", "surface", "raised"))
    weak = {(a, b): round(contrast(token(a, theme), token(b, theme)), 2) for a, b in marks}
    # Medium's yellow on the canvas is the one exception: there the meter also has bars and a word.
    assert {pair: ratio for pair, ratio in weak.items() if ratio < 3}.keys() <= {("medium", "canvas")}


def test_every_colour_used_is_a_token():
    for path in (STATIC / "css").glob("*.css"):
        if path.name not in {"tokens.css", "print.css"}:
            assert not re.findall(r"#[0-9a-fA-F]{3,8}\b", path.read_text()), path.name


def test_every_token_used_is_defined():
    css = "".join(path.read_text() for path in (STATIC / "css").glob("*.css"))
    defined = set(re.findall(r"(--[\w-]+):", css))
    assert set(re.findall(r"var\((--[\w-]+)", css)) <= defined
