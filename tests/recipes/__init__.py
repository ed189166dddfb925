"""What the recipes are tried in."""
