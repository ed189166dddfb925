"""What rules share: settings in force, packages, devices."""
