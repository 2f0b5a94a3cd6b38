"""Brain Gateway: one front door for a multi-tenant business platform."""

__version__ = "0.1.0"
