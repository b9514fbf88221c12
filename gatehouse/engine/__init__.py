"""The actor runtime: turns, timers, outboxes and sentinels over Redis.

It knows nothing of identity.
"""
