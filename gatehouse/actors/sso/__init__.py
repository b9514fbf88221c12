"""Enterprise single sign-on: people prove themselves to their company, the company tells us.

`configs` is what operators say of an identity provider, `identity_providers` what it says of
itself, `connectors` both of them for one sign-in. `saml` and `oidc` speak to it; `exchanges`
remembers what was asked and what was answered, `assertions` that nothing is believed twice.
`routing` says who is sent to a company, `flow` leads there and back, `unasked` takes in those who
come by themselves; `tokens` are the company's own.
"""
