"""AEAD, key derivation, digests, formats: the only room that imports a cryptographic library."""
