"""Pages where people look and decide: the inbox, one action, what was decided, halts.

Belongs here: `urls`, function views (translate in, call ONE operation, translate out), `presenters` (finished values for
templates) and the pure parts that show what is really there: `reveal`, `arguments`, `changes`, `schemaform`. Imports operations,
queries and permissions of this room, never a model; nothing but urls (and other rooms' pages, for the pure parts) imports this.
"""
