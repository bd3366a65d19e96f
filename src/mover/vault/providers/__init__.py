"""Who may hold the global key: a file, systemd, a token or HSM, AWS KMS, HashiCorp Vault or OpenBao."""
