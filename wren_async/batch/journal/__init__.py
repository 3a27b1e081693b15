"""What a batch has on disk: the contract of a journal, the states of an order, and the stores."""
