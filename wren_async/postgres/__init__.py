"""What several processes share in a PostgreSQL database: connections to it, its tables, and the right to send."""
