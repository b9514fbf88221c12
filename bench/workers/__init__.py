"""Programs that are measured, or that make load, in a process and on a core of their own."""
