"""`python -m orchestration.cli`: the command line without its script."""

from orchestration.cli import main

main()
