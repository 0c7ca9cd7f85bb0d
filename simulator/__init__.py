"""A running world that a responder can operate. Knows nothing of scoring or screens."""
