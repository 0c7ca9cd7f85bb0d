"""The reference ML platform: components that are told the time and know nothing of simulation, scoring or screens."""
