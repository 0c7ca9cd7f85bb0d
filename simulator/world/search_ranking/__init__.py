"""Search ranking: searches with ten candidates, and which of them is wanted."""
