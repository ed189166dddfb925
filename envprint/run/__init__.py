"""A command run under watch: job control, the GPU account, the record."""
