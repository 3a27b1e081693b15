# openapi/wren.yaml sha256 7f6cecb0ff610cebe5ce577b034f924b3f56313ebc6b385a2a99ed1add6b5855
# openapi/cnaught.yaml sha256 f603dd47d4ef424d8572bcd31d52fa46598e2f08a37349443a2eb2b36630f15e
"""Models and operations, generated from `openapi/` by `make generate`. Do not edit."""
