"""Recommendation: visitors who look around, and which category they want."""
