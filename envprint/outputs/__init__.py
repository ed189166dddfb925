"""Values as text. Pure."""
