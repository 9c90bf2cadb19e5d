"""The values that travel along the one path: frozen models that forbid unknown keys.

What is parsed into them at the door can be trusted behind it. They import nothing of the package but each other; each
is imported from the module that defines it.
"""
