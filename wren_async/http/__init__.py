"""The HTTP libraries that calls can be sent over, each behind the same small interface, `Backend`."""
