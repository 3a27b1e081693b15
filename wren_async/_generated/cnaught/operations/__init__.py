# Generated from openapi/cnaught.yaml by `make generate`. Do not edit.
# sha256 0a973c664304a80f630357fe4c8a861700875ce29c1c7bf9b54a4042208a40b4

"""Operations of the API: a module for each of its tags."""
