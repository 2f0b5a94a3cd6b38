"""What a shared cache may do, as pure functions: HTTP caching (RFC 9111) and its extensions (RFC 5861, 9211, 9213)."""
