# The part of syntok 1.4 that is used; the package carries no types of its own.
