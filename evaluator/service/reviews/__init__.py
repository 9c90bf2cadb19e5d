"""Reviews: a person confirms or overrides a verdict; their word is kept beside the judge's, and serves as a label."""
