"""The ways to prove who you are, one file each."""
