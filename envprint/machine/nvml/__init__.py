"""Queries NVIDIA's management library in a child process that may hang or crash without harm.

`library` finds the library, `client` starts the child and `messages` assembles its reports; in the
child, `child` runs `calls` and `queries`. A reading is raw: `envprint.gpu` interprets it, so that a
recorded machine can replay it.
"""
