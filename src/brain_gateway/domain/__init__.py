"""Rules of the gateway: standard library only, no I/O, no clock, no randomness."""
