"""The janitor agent: walks one directory and proposes to move old, large or duplicate files to a trash it can restore from.

`rooms` decides which directories may be worked in and opens paths inside them safely, `scan` looks, `trash` moves and
restores, `tools` declares both to the framework, `script` is the labelled stand-in for a language model.
"""
