"""Who is asking: signed tokens (JWT), API keys, and what was revoked of both."""
