"""Dynamic pricing: visits to a product, and how the price shown moves the customer."""
