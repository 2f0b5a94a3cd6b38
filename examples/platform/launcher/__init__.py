"""Sets the platform up, starts it with the gateway before it, watches over it and stops it."""
