# Generated from openapi/wren.yaml by `make generate`. Do not edit.
# sha256 24feab187ff7d51128cde55fc27d8f74796a3e7584558b3329de5305d8b63226

"""Operations of the API: a module for each of its tags."""
