"""`mlflow`."""
