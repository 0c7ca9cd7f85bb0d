"""Who may read what, who did, what depends on what, and what an edit would break."""
