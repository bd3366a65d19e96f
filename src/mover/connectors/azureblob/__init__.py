"""Azure Blob Storage: block blobs in one container."""
