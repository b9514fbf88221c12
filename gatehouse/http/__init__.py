"""The wire: the edge, the shared OAuth and OpenID Connect endpoints, the pages and one folder a dialect."""
