"""The proxy entries: the uvicorn protocol and the ASGI route, over one RequestRouter."""
