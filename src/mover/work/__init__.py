"""Durable work: batches offered, leased, reported and ended. The only room that knows the durable queue (DBOS)."""
