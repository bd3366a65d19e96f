"""FTP over TLS."""
