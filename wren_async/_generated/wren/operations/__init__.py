# Generated from openapi/wren.yaml by `make generate`. Do not edit.
# sha256 1ca91da6caf11765a7f108a92059391001139dbba3efe41403cf7dacaa45ed03

"""Operations of the API: a module for each of its tags."""
