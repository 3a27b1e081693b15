"""What a change of the contract means for a Python caller.

Two contracts are not compared as YAML but as *faces*: what a caller sees of each, by its name in Python, built from the
views that the templates print. So no way of writing the same thing differently is a change.
"""
