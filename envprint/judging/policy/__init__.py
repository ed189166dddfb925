"""A team's policy: its values, and how they are found, read, shown and started."""
