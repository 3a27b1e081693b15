"""What a change of the contract means for a Python caller.

Two contracts are not compared as YAML. The API surface of each is made first: all that a caller sees, by its name in
Python, taken from the views that the templates print. So writing the same in another way is no change.
"""
