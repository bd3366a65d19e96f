"""How people sign in, and keep what they sign in by."""
