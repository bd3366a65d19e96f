"""Files kept in this process; for tests and for trying Mover out."""
