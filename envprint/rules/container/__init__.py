"""The effect of containers, schedulers and notebook services on a result."""
