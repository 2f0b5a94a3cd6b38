"""Directories of instances: one module per kind of them."""
