"""The report on a batch as one self-contained page."""
