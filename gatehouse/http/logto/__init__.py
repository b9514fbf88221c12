"""Logto's API: its wire format, its error codes, its paths. No rule about who may sign in."""
