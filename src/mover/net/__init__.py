"""Speaking over networks: HTTP, TLS, pacing. Knows bytes and addresses, nothing of providers."""
