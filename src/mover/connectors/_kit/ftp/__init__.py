"""The FTP client that the `ftp` and `ftps` connectors share. docs/decisions/0010-ftp-client.md says why it is made so."""
