"""Catalogues of translations without GNU gettext: gather the strings, keep the .po files in step, compile them (docs/adr/0020).

`gathering` finds what the sources say, `po` reads and writes one catalogue, `mo` compiles it. Nothing here imports Django but `gathering`,
which uses the lexer of its templates; the rooms import none of it.
"""
