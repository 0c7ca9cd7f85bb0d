"""Search ranking: which of ten candidates the visitor wants."""
