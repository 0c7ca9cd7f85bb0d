"""Serving: the online store's connections and the model servers' share of them."""
