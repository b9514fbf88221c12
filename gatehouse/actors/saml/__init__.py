"""Speaking SAML 2.0 as an identity provider: requests are read, responses are written and signed.

Nothing here knows HTTP. Section numbers are those of SAML 2.0 Core (`core`), Bindings (`bindings`)
and Profiles (`profiles`).
"""
