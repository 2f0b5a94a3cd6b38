"""The HTTP/1.1 client to the services: pooled connections, streaming both ways with back-pressure."""
