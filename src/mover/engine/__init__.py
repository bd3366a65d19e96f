"""A run, from scan to report: stages on bounded belts. Knows connectors by their protocol only."""
