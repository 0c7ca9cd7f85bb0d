"""Faults: state that is wrong. Symptoms follow by themselves; a player's action can undo the state."""
