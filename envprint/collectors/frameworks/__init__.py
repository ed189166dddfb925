"""The section `frameworks`."""
