"""Signing in through somebody else: OAuth 2 and OpenID Connect clients, one file a provider."""
