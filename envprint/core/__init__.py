"""Values and words that every part shares. Pure, and imports no other part of envprint."""
