"""Read from the sources: no template and no script has words of its own, and a catalogue that is stale or incomplete is noticed."""

import gettext
import re
from pathlib import Path

import pytest
from django.template.base import DebugLexer, TokenType

from config.catalogues import mo, po
from config.catalogues.gathering import Gathered, gather, of_python, of_template

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
SCRIPTS = sorted((ROOT / "approvals" / "static" / "countersign" / "js").glob("*.js"))
TAGS = re.compile(r"<!--.*?-->|<!doctype[^>]*>|<(code|kbd|script|svg|textarea)\b.*?</\1>|<[^<>]*>|&\w+;", re.DOTALL | re.IGNORECASE)
SHOWN = re.compile(r"""\b(?:title|aria-label|placeholder|alt|data-command)=(["'])(.*?)\1""", re.DOTALL)
BRAND = {"Countersign"}


def short(path: Path) -> str:
    return str(path.relative_to(ROOT))


def own_words(source: str) -> str:
    """The template with everything taken out that comes from elsewhere: tags, variables, and what stands in blocktranslate."""
    kept, inside = "", False
    for token in DebugLexer(source).tokenize():
        name = token.contents.split(" ", 1)[0]
        if token.token_type is TokenType.BLOCK and name in {"blocktranslate", "endblocktranslate"}:
            inside = name == "blocktranslate"
        elif token.token_type is TokenType.TEXT and not inside:
            kept += token.contents
        elif token.token_type is TokenType.BLOCK and name == "block" and "body_class" in token.contents:
            inside = True  # a class, not a word
        elif token.token_type is TokenType.BLOCK and name == "endblock":
            inside = False
    return kept


@pytest.mark.parametrize("path", TEMPLATES, ids=short)
def test_a_template_has_no_words_outside_of_gettext(path):
    source = own_words(path.read_text())
    attributes = " ".join(found[1] for found in SHOWN.findall(source))
    words = set(re.findall(r"[A-Za-z]{2,}", TAGS.sub(" ", source) + " " + attributes))
    assert words - BRAND == set()


@pytest.mark.parametrize("path", SCRIPTS, ids=short)
def test_a_script_has_no_sentence(path):
    source = re.sub(r"^\s*//.*$|TypeError\([^)]*\)", "", path.read_text(), flags=re.MULTILINE)
    texts = re.findall(r'"([^"\n]*)"|`([^`]*)`', source)
    said = [text for pair in texts for text in pair if re.fullmatch(r"(?:[A-Z][a-z]+|\$\{[^}]*\})(?: [^{}<>=\[\]#.]+)+[.]?", text)]
    assert said == []


def test_every_word_a_script_asks_for_is_in_the_page():
    source = "".join(path.read_text() for path in SCRIPTS)
    asked = set(re.findall(r'\b(?:word|named)\("(\w+)"', source)) | set(re.findall(r': "(key\w+)"', source))
    states = set(re.findall(r'state: "(\w+)"|name: "(\w+)"', source))
    asked |= {name for pair in states for name in pair if name}
    given = {
        re.sub(r"-(\w)", lambda m: m[1].upper(), name)
        for name in re.findall(r"data-([\w-]+)=", (ROOT / "templates" / "_words.html").read_text())
    }
    assert asked <= given and given <= asked | {f"{name}Many" for name in asked}


# -- the catalogues ---------------------------------------------------------------------------------

HEADER = po.Entry(po.Message(""), ["Plural-Forms: nplurals=2; plural=(n != 1);\nContent-Type: text/plain; charset=UTF-8\n"])


def test_strings_are_gathered_with_their_plurals_and_contexts():
    faults: list[str] = []
    python = 'from django.utils.translation import gettext as _, ngettext\nfrom audit.sentences import say\n_("a" "b")\nngettext("one", "many", n)\nsay("x", "y", n=2)\n_(name)\nother("no")\n'
    assert [(m.msgid, m.plural) for m in of_python(python, "f.py", faults)] == [("ab", ""), ("one", "many"), ("x", "y")]
    assert faults == ["f.py:6: gettext() needs its text written out here"]
    template = """{% translate "100%" %}{% translate 'b' context "c" %}{{ x|default:_("d") }}
        {% blocktranslate count n=x with y=z %}{{ n }} of {{ y }}{% plural %}{{ n }}s{% endblocktranslate %}"""
    found = [(m.msgid, m.plural, m.context) for m in of_template(template, "t.html", faults)]
    assert found == [("100%%", "", ""), ("b", "", "c"), ("d", "", ""), ("%(n)s of %(y)s", "%(n)ss", "")]


def test_what_is_written_is_read_again_and_compiled(tmp_path):
    entries = [
        po.Entry(po.Message('say "x"\n%(n)d', "", "where", ("a.py", "b.py")), ["sag „x“\n%(n)d"]),
        po.Entry(po.Message("one", "%(n)d many"), ["eins", "%(n)d viele"]),
        po.Entry(po.Message("later"), [""]),
    ]
    path = tmp_path / "django.po"
    path.write_text(po.written(HEADER, entries))
    known = po.read(path)
    assert [known[e.message.key].texts for e in entries] == [e.texts for e in entries]
    (tmp_path / "x.mo").write_bytes(mo.compiled(known.values()))
    with (tmp_path / "x.mo").open("rb") as file:
        catalogue = gettext.GNUTranslations(file)
    assert catalogue.pgettext("where", 'say "x"\n%(n)d') == "sag „x“\n%(n)d"
    assert [catalogue.ngettext("one", "%(n)d many", n) for n in (1, 2)] == ["eins", "%(n)d viele"]
    assert catalogue.gettext("later") == "later"


@pytest.mark.parametrize(
    ("message", "texts", "fault"),
    [
        (po.Message("a"), [""], "not translated"),
        (po.Message("a", "b"), ["x", ""], "not translated"),
        (po.Message("%(n)d a"), ["a"], "other holes"),
        (po.Message("%(n)d a"), ["%(n)s a"], "other holes"),
        (po.Message("a "), ["a"], "space"),
        (po.Message("a"), ["100 %"], "percent"),
        (po.Message("a"), ['say "a"'], "quote or markup"),
        (po.Message("a"), ["<b>a</b>"], "quote or markup"),
    ],
)
def test_a_translation_that_cannot_be_is_named(message, texts, fault):
    assert fault in " ".join(po.faults(po.Entry(message, texts), 2))


def test_one_may_leave_its_number_out():
    assert list(po.faults(po.Entry(po.Message("%(n)d call", "%(n)d calls"), ["ein Aufruf", "%(n)d Aufrufe"]), 2)) == []


def test_new_strings_come_in_empty_and_gone_ones_go():
    known = {("", ""): HEADER, ("", "kept"): po.Entry(po.Message("kept"), ["x"]), ("", "gone"): po.Entry(po.Message("gone"), ["y"])}
    merged = po.merged(known, [po.Message("kept"), po.Message("new", "news")])
    assert [(e.message.msgid, e.texts) for e in merged] == [("kept", ["x"]), ("new", ["", ""])]


def test_two_plurals_for_one_string_are_a_fault():
    found = Gathered()
    found.add(po.Message("one", "many"), "a.py")
    found.add(po.Message("one", "lots"), "b.py")
    assert "two plurals" in found.faults[0]


def test_every_string_of_the_product_can_be_gathered():
    found = gather(ROOT)
    assert found.faults == [] and len(found.messages) > 1_000
