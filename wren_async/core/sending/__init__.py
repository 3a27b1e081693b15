"""The only place with I/O, retries and time: one logical call, its attempts, and what they share."""
