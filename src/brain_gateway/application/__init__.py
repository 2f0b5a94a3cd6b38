"""Use cases and ports: what the gateway does, without saying with what."""
