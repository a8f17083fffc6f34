"""What a person can read of a value, and what hides in it. Pure: no Django, no clock, no HTML.

characters   which code points show themselves, which must be named
lookalikes   letters and addresses that pretend to be others; markup that is only text here
packed       bytes written as text (base64, hexadecimal), with what they decode to
paths        every leaf of a JSON value by one unambiguous path
findings     what raises the risk of a proposal: where something cannot be seen or cannot be read

The pages (`approvals.web`) draw with it, and opening an action scores with it: what a reviewer is warned of and what the policy counts are
found by the same functions, whoever proposed the action.
"""
