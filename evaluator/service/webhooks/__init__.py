"""Webhooks: other programs are told, signed and until they heard it, what became of their work."""
