"""The shop's models: schemas, trainers, decisions and the NumPy runtime that serves them."""
