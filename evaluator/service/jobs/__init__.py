"""Evaluations that outlive their request: graded by the same durable work as batches, settled by the foreman."""
