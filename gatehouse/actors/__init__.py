"""The identity core: what is short-lived, as state machines, and the rules around it."""
