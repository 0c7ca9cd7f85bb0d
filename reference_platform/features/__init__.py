"""The feature store: declarations, transforms, offline history, online values, and the jobs between them."""
