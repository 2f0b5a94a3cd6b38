"""Stored responses in the memory of one process."""
