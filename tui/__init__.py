"""Everything at the terminal: command line, plain mode, Textual application."""
