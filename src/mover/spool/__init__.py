"""Encrypted temporary storage for files on their way: nothing readable on the disk, nothing left behind."""
