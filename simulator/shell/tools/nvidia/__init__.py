"""`nvidia-smi` and `dcgmi`."""
