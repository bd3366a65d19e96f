"""SFTP: files on a server that is reached over SSH."""
