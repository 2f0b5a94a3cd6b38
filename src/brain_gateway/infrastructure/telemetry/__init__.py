"""Logs, metrics and traces on their way out of the process."""
