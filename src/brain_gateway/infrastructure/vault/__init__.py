"""Secrets in HashiCorp Vault or OpenBao, in a key-value engine of version 2."""
