"""The data plane's decisions: admit, recover, settle. Synchronous, no I/O."""
