"""Experiments in processes of their own, and what runs them."""
