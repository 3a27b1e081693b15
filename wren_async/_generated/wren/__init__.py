# Generated from openapi/wren.yaml by `make generate`. Do not edit.
# sha256 bc3f1cde13c65a99453b22269254257fbbfe0ff1dbe8bdccd1b4fac045df01e2

"""Models and operations of the Wren API."""
