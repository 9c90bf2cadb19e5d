"""Evaluations over HTTP: asked for and answered at once, or kept as jobs; listed, fetched and deleted."""
