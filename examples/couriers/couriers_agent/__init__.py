"""An agent that runs its own tools, made loop-safe by one line."""
