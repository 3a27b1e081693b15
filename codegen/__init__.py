"""Generates `wren_async/_generated` from the contract in `openapi/`. A development tool, not part of the library."""
