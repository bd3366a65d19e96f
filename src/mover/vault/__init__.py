"""Secrets at rest: sealed under a user's key and the global key, both needed."""
