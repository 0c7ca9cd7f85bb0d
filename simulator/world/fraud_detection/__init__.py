"""Fraud detection: payments by customers and thieves."""
