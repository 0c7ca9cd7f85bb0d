"""Measurements of what the project promises. Each prints its bound beside what was measured; 1 means it fell short."""
