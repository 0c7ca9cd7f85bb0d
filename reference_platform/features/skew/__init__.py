"""Whether what was served is what training would have seen: the log of served vectors, its audit, its divergence."""
