"""Ports: one Protocol per file; infrastructure implements them."""
