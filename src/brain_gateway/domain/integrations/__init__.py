"""Third parties that a tenant's agents act on: what the catalogue says of each, and what a tenant set up."""
