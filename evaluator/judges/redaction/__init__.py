"""Names, e-mail addresses and phone numbers in a transcript: found, and taken out so that they can be put back."""
