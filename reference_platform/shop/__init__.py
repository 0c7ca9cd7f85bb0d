"""The shop: its feature views and the transforms that fill them."""
