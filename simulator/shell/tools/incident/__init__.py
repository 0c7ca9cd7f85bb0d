"""The responder's record, hypotheses, people and post-mortem."""
