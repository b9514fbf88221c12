"""Enterprise single sign-on: people prove themselves to their company, the company tells us.

`configs` is what operators say of an identity provider, `identity_providers` what it says of
itself. `saml` and `oidc` speak to it; `exchanges` remembers what was asked and what was answered.
"""
