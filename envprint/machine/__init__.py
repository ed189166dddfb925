"""The observed machine, live or recorded: all access to files, processes and clocks."""
