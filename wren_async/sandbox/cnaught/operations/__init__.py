"""The 29 operations: each reads a request, has the matter done, and answers. They raise `RefusedError` to refuse."""
