"""Values and vocabulary shared by all packages. Pure: imports nothing else of envprint."""
