"""Connectors: what mail and text messages leave through. One table of kinds, one file a carrier."""
