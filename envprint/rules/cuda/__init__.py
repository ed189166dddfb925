"""Rules about CUDA, its libraries and the driver."""
