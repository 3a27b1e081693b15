"""Models and operations, generated from `openapi/` by `make generate`. Do not edit."""
