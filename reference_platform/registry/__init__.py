"""The model registry: a small port, MLflow behind it, and a snapshot that needs no MLflow."""
