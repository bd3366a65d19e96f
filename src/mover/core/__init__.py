"""The nouns every other room speaks in: entries, specs, connectors, errors. Standard library only."""
