"""The section `frameworks`: versions and builds of the frameworks, read from files."""
