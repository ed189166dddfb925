"""Experiments in separate processes, and what runs them."""
