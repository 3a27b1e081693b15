# Generated from openapi/wren.yaml by `make generate`. Do not edit.
# sha256 a63c1b007a3cfe70aca0a3ebab2e9b658d589b54155eebaa965e6ad5b2fe221c

"""Operations of the API: a module for each of its tags."""
