"""Who reaches verdicts, and who computes for them: one file and one table row each."""
