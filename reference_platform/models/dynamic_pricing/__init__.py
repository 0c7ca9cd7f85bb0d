"""Dynamic pricing: which discount makes a customer's visit to a product worth most."""
