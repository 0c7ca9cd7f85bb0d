"""`dig`, `ping`, `cert` and their like, and the clocks of the machines."""
