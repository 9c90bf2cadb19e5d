"""The HTTP service: evaluations, batches and rubrics for other programs, and a page for people."""
