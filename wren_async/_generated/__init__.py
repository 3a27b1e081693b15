# openapi/wren.yaml sha256 24feab187ff7d51128cde55fc27d8f74796a3e7584558b3329de5305d8b63226
# openapi/cnaught.yaml sha256 0a973c664304a80f630357fe4c8a861700875ce29c1c7bf9b54a4042208a40b4
"""Models and operations, generated from `openapi/` by `make generate`. Do not edit."""
