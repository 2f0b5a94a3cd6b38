"""Balancing strategies, one per file; `load_balancer.STRATEGIES` lists them by name."""
