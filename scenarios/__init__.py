"""Drills as files: schema, loader with positions, proofs."""
