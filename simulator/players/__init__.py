"""Scripted responders: idle, panic, cheats, and anybody's script."""
