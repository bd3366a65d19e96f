"""Use-cases: authorise first, do it in one transaction, audit last."""
