"""`python -m envprint` is the command `envprint`."""

from envprint.cli import script

script()
