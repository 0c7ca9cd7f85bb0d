"""Textual widgets: they draw lines that presenters made and pass keys on."""
