"""`python -m mover` is the command `mover`."""

from mover.cli.main import main

main()
