"""The platform's shop: a GraphQL API whose names and shapes follow Saleor's public schema."""
