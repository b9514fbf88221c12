"""`python -m gatehouse` is the command line."""

from gatehouse.ops.cli import main

main()
