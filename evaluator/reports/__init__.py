"""Reports for people: one `Evaluation` in, text out; pure, and every word of a transcript is treated as hostile."""
