"""The shop's models. Each is a folder: its card, its decision, its trainer. `catalogue.py` lists them."""
