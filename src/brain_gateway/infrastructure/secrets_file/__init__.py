"""Secrets in one encrypted file of the data directory."""
