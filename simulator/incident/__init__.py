"""What the responder keeps of an incident: the record, its words, the post-mortem."""
