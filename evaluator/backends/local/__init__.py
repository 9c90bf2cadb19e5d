"""The parts of the local judge: phrases, features, trained heads, their file, and likeness to exemplars."""
