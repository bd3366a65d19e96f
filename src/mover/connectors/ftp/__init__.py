"""FTP without encryption."""
