"""Django's backend for PostgreSQL as the web process uses it: see `base`, which is where Django looks."""
