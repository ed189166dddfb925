"""Rules about frameworks, one module for each."""
