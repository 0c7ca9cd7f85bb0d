"""A small repository of definitions to start from: `pagerdrill features init` copies it."""
