"""What a responder can type: one registry of commands behind prompt, palette, completion, plain mode and replay."""
