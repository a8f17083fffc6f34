"""The demo shop's store: its schema, its seed data and one way to connect. The example agents share it.

Belongs here: SQL that creates and fills the schema `shop`. What an agent does to the shop lives in that agent's tools.
"""
