"""Scripts that operators write, run where they can harm nobody (docs/scripts.md)."""
