# openapi/wren.yaml sha256 e9c8b54e19b77c7cb225eddae1c821870fe505237c4fb3f79dd30740a54d8768
# openapi/cnaught.yaml sha256 00044b9c01d673ce6af76efb21e06379bdb9eef8f6aafe4ba302ccd2e2522cf2
"""Models and operations, generated from `openapi/` by `make generate`. Do not edit."""
