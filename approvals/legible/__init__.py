"""What a person can read of a value, and what hides in it. Pure: no Django, no clock, no HTML.

characters   which code points show themselves, which must be named
alphabets    what Unicode says of scripts and look-alikes, out of `alphabets.txt`
marks        accents and strokes, and which of them belong where they stand
addresses    where links, mail addresses, hosts and paths stand, and their tricks
lookalikes   letters, digits and signs that pretend to be others
directions   letters that run from right to left among others
packed       bytes written as text (base64, hexadecimal, escapes), with what they decode to by `decoding`
paths        every leaf of a JSON value by one unambiguous path
findings     what raises the risk of a proposal: where something cannot be seen or cannot be read

The pages (`approvals.web`) draw with it, and opening an action scores with it: what a reviewer is warned of and what the policy counts are
found by the same functions, whoever proposed the action.
"""
