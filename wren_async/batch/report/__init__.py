"""What became of a batch: its rows, its sums, and the comparison with the account."""
