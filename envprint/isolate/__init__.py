"""Finds by running which differences between two environments change a job's result."""
