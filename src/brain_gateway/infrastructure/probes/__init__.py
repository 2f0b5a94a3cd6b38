"""Active health checks, one protocol a file; `registry.PROBES` names them."""
