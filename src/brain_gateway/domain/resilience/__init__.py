"""How much, how often and where to: limits, breakers, balancers, retries and health."""
