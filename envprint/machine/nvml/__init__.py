"""Asks NVIDIA's management library in a child process that may hang or crash without harm.

`reading` starts the child and puts together what it tells; `child` is what runs there, `calls` and
`queries` what it asks; `finding` looks for the library. What comes back is raw: the collectors
interpret it, so that a recorded machine replays readings.
"""
