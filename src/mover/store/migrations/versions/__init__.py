"""One module a migration, numbered; see `mover.store.migrations`."""
