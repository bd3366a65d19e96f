"""Moves the files: opens connections, works on leases, and tells how it went. It listens to nobody."""
