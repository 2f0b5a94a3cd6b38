"""The administrative API, /api/v1: one module per resource, each with its endpoints in a plain table."""
