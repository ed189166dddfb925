"""Recreate a recorded environment; find by running which difference changed a result."""
