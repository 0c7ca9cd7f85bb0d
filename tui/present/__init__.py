"""Pure view models: session data, a size and a look become lines of text. Knows nothing of Textual."""
