"""The command line: thin, lazily imported, and the only room that prints."""
