# openapi/wren.yaml sha256 b5ab750cf594bbd20e21ae55bd51a090abdfdaf4a7aeb1ddd02ce855f5de51c8
# openapi/cnaught.yaml sha256 f603dd47d4ef424d8572bcd31d52fa46598e2f08a37349443a2eb2b36630f15e
"""Models and operations, generated from `openapi/` by `make generate`. Do not edit."""
