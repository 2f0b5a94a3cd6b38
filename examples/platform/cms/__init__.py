"""The platform's content: a Wagtail site whose pages and images are read through its API v2."""
