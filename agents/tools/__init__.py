"""Tools: how they are declared, rendered and run. Knows nothing of graphs or of the tables."""
