"""The gateway's own REST endpoints."""
