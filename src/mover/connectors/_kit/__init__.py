"""What several connectors share: bodies, ids that are paths, REST."""
