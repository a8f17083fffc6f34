"""What runs is never drawn as a comment or a string: neither where a line ends for some readers only, nor where dialects differ."""

import time

import pytest

from approvals.render import sqltext
from approvals.render.highlight import painted
from approvals.render.reveal import reveal

DROP = "DROP TABLE users"


def drawn(text: str, language: str = "sql") -> dict[str, str]:
    """What stands in each colour; what has none, under an empty name."""
    shown, found = painted(reveal(text), language), dict.fromkeys(("", "hl-c", "hl-s", "hl-k", "hl-n"), "")
    for part in (*shown.head, *shown.middle, *shown.tail):
        found[part.css] = found.get(part.css, "") + part.text
    return found


def silent(text: str, language: str = "sql") -> str:
    found = drawn(text, language)
    return found["hl-c"] + found["hl-s"]


@pytest.mark.parametrize("end", ["\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"])
@pytest.mark.parametrize(("language", "mark"), [("sql", "--"), ("python", "#"), ("bash", "#"), ("yaml", "#"), ("ini", ";"), ("toml", "#")])
def test_where_a_line_ends_for_some_nothing_is_coloured(end, language, mark):
    text = f"{mark} safe{end}{DROP}\n"
    assert silent(text, language) == "" and drawn(text.replace(end, "\r\n"), language)["hl-c"].startswith(f"{mark} safe")


@pytest.mark.parametrize(
    "sql",
    [
        f"SELECT $a$ ' $a$; {DROP}; --'",
        f"SELECT $$ ' $$; {DROP}; --'",
        f"SELECT $a$ $b$ ' $b$ $a$; {DROP}; --'",
        f"DO $$ BEGIN {DROP}; END $$",
        f"SELECT E'\\'', '; {DROP}; --'",  # a backslash ends it later: PostgreSQL in E'', MySQL always
        f"SELECT '\\'; {DROP}; --'",  # and not here
        f'SELECT "\\"; {DROP}; --"',
        f"SELECT 1 /* a /* b */ ; {DROP}; */",  # PostgreSQL goes on in the outer one, MySQL runs it
        f"SELECT 1 /*! ; {DROP} */",
        f"SELECT 1 /*M! ; {DROP} */",
        f"SELECT 1 --{DROP}",  # a minus of a minus in MySQL
        f"SELECT 1 --\u00a0{DROP}",
        f"SELECT 1 # ' \n; {DROP}; -- '",
        f"SELECT 1 // ' \n; {DROP}; -- '",
        f"SELECT q'[']'; {DROP}; --'",
        f"SELECT nq'!'!'; {DROP}; --'",
        f"SELECT [ ' ] FROM t; {DROP}; -- ']",
        f"SELECT ` ' ` FROM t; {DROP}; -- '`",
        f"SELECT '''a'b'''; {DROP}; -- '",
        f"SELECT 1 /* never closed ; {DROP}",
        f"SELECT 'never closed ; {DROP}",
    ],
)
def test_from_where_dialects_differ_nothing_is_drawn_as_a_comment_or_a_string(sql):
    assert "DROP" not in silent(sql)


def test_what_all_read_alike_is_coloured():
    sql = "SELECT id, 'it''s', 'C:\\\\x', \"a name\", [plain], `other`, x'00' -- said\nFROM t /* why\n -- so */ WHERE n > 5"
    found = drawn(sql)
    assert found["hl-c"] == "-- said/* why\n -- so */"
    assert found["hl-s"] == "'it''s''C:\\\\x''00'" and "SELECT" in found["hl-k"] and "5" in found["hl-n"]
    assert "".join(sql[p.start : p.end] for p in sqltext.parts(sql)) == sql


def test_long_text_that_never_ends_is_read_in_no_time():
    began = time.perf_counter()
    for text in (
        "'" * 19_999,
        "'a" * 9_999,
        "/*" * 9_999,
        "[" * 19_999,
        "$a" * 9_999,
        "\\'" * 9_999,
        "-" * 19_999,
        "`[" * 9_999,
        "[a]" * 6_000,
        "'a'" * 6_000,
        "/**/" * 4_999,
    ):
        list(sqltext.parts("select " + text))
    assert time.perf_counter() - began < 2


@pytest.mark.parametrize(
    "script",
    [
        'echo "`rm -rf /`"',
        'echo "$(rm -rf /)"',
        "cat <<E\n$(rm -rf /)\nE",
        "bash <<E\nrm -rf /\nE",
        "cat <<E\nEllen's\nE\nrm -rf / #'",
        "echo $'\\'' ; rm -rf / #'",
        "echo ${x/'/\"}; rm -rf / #'",
    ],
)
def test_what_a_shell_runs_is_no_string(script):
    assert "rm" not in silent(script, "bash")


@pytest.mark.parametrize("script", ['echo "x"# ; rm a', "echo $x# ; rm a", "echo \\a# ; rm a", "echo a\\ # ; rm a", "echo a\\\n# ; rm a"])
def test_a_number_sign_that_begins_no_comment_lends_it_no_colour(script):
    assert "rm" not in silent(script, "bash")


def test_plain_quotes_and_comments_of_a_shell_are_coloured():
    assert drawn("echo 'a b' \"c\" x#y # why\nls", "bash") | {"": "", "hl-k": ""} == {
        "": "", "hl-k": "", "hl-s": "", "hl-c": "# why\n", "hl-n": "",
    }  # fmt: skip


def test_behind_a_value_of_an_ini_file_nothing_is_a_comment():
    assert drawn("[a]\n; why\nrun = x ; rm\n  # so\n", "ini")["hl-c"] == "; why# so"


@pytest.mark.parametrize("begins", ["$a", ":a", "@a", "#a", "$a::b", "$a$b"])
def test_what_sqlite_takes_for_the_name_of_a_parameter_hides_nothing(begins):
    assert "DROP" not in silent(f"SELECT {begins}('); DROP TABLE users; SELECT {begins}(')", "sql")


def test_a_cast_with_a_length_ends_no_colour():
    assert drawn("SELECT x::numeric(10,2), 'a' FROM t -- so", "sql")["hl-s"] == "'a'"


@pytest.mark.parametrize(
    "coding", ["# coding: raw_unicode_escape", "#!/usr/bin/python\n# -*- coding: utf-7 -*-", "\n# vim: set fileencoding=unicode_escape :"]
)
def test_a_file_that_is_read_otherwise_than_written_has_no_colour(coding):
    assert not silent(f"{coding}\n# harmless \\u000aimport os\n", "python")
    assert silent("# -*- coding: utf-8 -*-\nx = 1\n", "python")


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1 /*/ /*/ ' */ */; DROP TABLE t; -- '",
        "SELECT $€$ ' $€$; DROP TABLE t; --'",
        "SELECT :a(/*); DROP TABLE t; SELECT :b(*/)",
        "SELECT :é('); DROP TABLE t; SELECT :é(')",
        "DO 'begin DROP TABLE t; end'",
        "PREPARE p FROM 'DROP TABLE t'",
        "EXECUTE IMMEDIATE 'DROP TABLE t'",
        "COPY t FROM PROGRAM 'DROP'",
        "SELECT dblink_exec('x', 'DROP TABLE t')",
    ],
)
def test_no_text_that_some_database_runs_is_silent(text):
    assert "DROP" not in silent(text)


def test_what_is_run_from_a_string_of_a_shell_and_a_text_of_a_document_are_not_silent():
    assert not silent("sh -c 'rm -rf /'; eval \"rm -rf /\"", "bash")
    assert not silent("--- |\n# rm\n", "yaml") and silent("a: 1 # so\n", "yaml")
