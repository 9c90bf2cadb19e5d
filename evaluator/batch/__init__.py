"""Many transcripts: read from files and tables, graded durably, written as records, tables and a report."""
