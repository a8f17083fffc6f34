"""The dba agent: turns a maintenance request into one UPDATE or DELETE on the demo shop, and runs exactly what was approved.

`statements` says which statements are acceptable (pure), `rehearsal` runs one and measures what it touches, `tools` declares
plan and run to the framework, `requests` maps sentences to statements, `script` is the stand-in for a language model.
"""
