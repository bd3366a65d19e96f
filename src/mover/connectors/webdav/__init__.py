"""WebDAV servers: Apache, nginx, Nextcloud, ownCloud and whatever else speaks RFC 4918."""
