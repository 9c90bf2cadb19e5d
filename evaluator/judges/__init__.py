"""Judges made of judges: each asks others and is one itself, so that any of them can stand anywhere on the one path."""
