"""The first policy: how an action is scored, and what its level asks of people. Pure; data in `policy.yaml`.

`rules` loads and validates the file, `risk` scores facts under it, `requirement` freezes what is asked.
"""
