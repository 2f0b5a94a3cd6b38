"""The platform's auth service: people sign in here and get the JWTs that the gateway verifies."""
