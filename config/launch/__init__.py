"""The supervisor behind `make run`, in pieces: `checks` (may we start?), `prepare` (keys, migrations, demo), `roles` (what is
started), `process` (one child, kept alive), `screen` (what is shown).

Imports `config.services` and nothing of Django: it must be able to say what is wrong when Django cannot even be imported.
`config.up` puts the pieces together. Everything runs on one thread (see `config.services.child`).
"""
