"""The journal of batches in PostgreSQL, for any number of processes on any number of machines."""
