"""Textual screens: briefing, incident room, debrief, help, questions."""
