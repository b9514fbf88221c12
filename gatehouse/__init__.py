"""Gatehouse: a sign-in server. One identity core, run as actors whose state lives in Redis."""

__version__ = "0.1.0"
