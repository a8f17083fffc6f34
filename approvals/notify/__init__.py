"""Reaching people outside the open page: what a person wants, the words of a message, and one client per channel.

choices  the matrix of level and channel, quiet hours, the digest   (pure)
words    what a mail and a push say                                  (pure)
mail     Django's mail                 push, vapid  Web Push
Knows no table: `operations.reaching` decides who is told, `operations.delivering` what became of it. A message is a plain link; nothing
in it can decide, and opening the link only shows the page to somebody signed in.
"""
