"""What the commands share that talk to a running gateway: connection, errors and exit codes, tables, values."""
