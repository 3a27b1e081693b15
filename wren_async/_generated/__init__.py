# openapi/wren.yaml sha256 d802c6efeac61eb60f262d75c63ab98f83d997bed186bc446a0acaccdfb9d29e
# openapi/cnaught.yaml sha256 73754d2d4eeae073d757056db64f57453586745135ac7131185715f80892738a
"""Models and operations, generated from `openapi/` by `make generate`. Do not edit."""
