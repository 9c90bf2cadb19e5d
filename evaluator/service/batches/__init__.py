"""Batches over HTTP: many transcripts in one request, graded as jobs, followed as they go, fetched together."""
