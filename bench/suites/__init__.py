"""The suites, one file each: what is measured, against what, and the goal."""
