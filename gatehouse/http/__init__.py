"""The wire: the edge, OAuth and OpenID Connect, the pages, and one folder for each dialect."""
