"""Rubrics over HTTP: the shipped ones, and each tenant's own, in versions that never change."""
