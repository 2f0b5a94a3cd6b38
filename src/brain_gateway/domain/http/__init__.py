"""HTTP/1.1 as a grammar (RFC 9110, RFC 9112): bytes in, decisions out, no I/O."""
