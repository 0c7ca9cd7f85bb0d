"""The commands of `pagerdrill`, one module per thing they act on. Importing them loads nothing heavy."""
