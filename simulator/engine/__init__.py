"""Virtual time: SimPy driver, named random streams, event log."""
