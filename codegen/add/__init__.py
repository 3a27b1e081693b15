"""Stubs for a new operation: in the contract, the facade, the sandbox and, where no example will do, the tests."""
