"""The response cache on the way between an entry and the connections to a service."""
