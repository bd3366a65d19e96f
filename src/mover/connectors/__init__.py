"""One folder per provider: a spec (plain data), a client and a table of errors. They do not know each other."""
