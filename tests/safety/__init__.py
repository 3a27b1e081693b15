"""Money safety, over real sockets."""
