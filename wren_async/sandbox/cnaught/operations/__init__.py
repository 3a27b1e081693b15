"""The 29 operations: each reads a request, has it carried out, and answers; it refuses by `CNaughtRefusedError`."""
