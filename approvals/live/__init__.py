"""Live pages: hints over a read-only WebSocket. One LISTEN per process, fan-out in memory, catch-up from the table."""
