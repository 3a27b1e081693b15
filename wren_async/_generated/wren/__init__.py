# Generated from openapi/wren.yaml by `make generate`. Do not edit.
# sha256 e1ad6ca32cb768381d43881a00bdd5d0cf5c478dc0ccd294ed1a3d060ac997af

"""Models and operations of the Wren API."""
