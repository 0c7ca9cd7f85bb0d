"""Windowed features over streams of events, made of tiles that merge to the same bits in any grouping."""
