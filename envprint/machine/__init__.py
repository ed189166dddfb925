"""The observed machine, live or recorded: what opens files, processes and clocks."""
