"""A team's policy: its values, and how it is found, read, shown and created."""
