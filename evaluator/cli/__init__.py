"""The command line: arguments in, text and exit codes out; everything else is called, not done, here."""
