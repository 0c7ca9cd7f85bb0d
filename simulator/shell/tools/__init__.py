"""The tools that a responder types, each in a package of its own."""
