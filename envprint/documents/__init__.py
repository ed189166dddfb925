"""Fingerprints as JSON: the published shape, reading, writing, the store, references."""
