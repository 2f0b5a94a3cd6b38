"""The shapes of documents: gateway.yaml and what the API takes and gives, as pydantic models, and their way to the
domain (`building`) and back (`rendering`)."""
