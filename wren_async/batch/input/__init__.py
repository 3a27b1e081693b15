"""From a file of orders to a plan: reading, checking, pricing."""
