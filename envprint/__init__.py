"""envprint."""

from envprint._version import __version__ as __version__
