"""Fraud detection: how likely a payment is fraud, and whether that is reason enough to decline it."""
