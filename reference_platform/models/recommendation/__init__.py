"""Recommendation: which categories a visitor will click next."""
