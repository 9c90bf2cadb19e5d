"""Raw text in, `Transcript` out: one file and one row of the FORMATS table for each form that transcripts come in."""
