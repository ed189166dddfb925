"""Compares, evaluates rules, applies the policy, ranks and summarises. Pure."""
