"""Access that a user granted at a provider: asked for, kept fresh, given back: OAuth 2.0 (RFC 6749, 7636, 7009, 7523, 8414, 9207, 9700).

`provider` and `client` are the settings. `begin` and `finish` are a sign-in, between which `pendings` keeps what was asked. `refreshing`
gives valid access tokens of a connection; `grants` and `revoke` are the single requests. Only the control plane works here.
"""
