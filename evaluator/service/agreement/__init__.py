"""Agreement over HTTP: how far a judge's verdicts agree with labels that are sent, or with the tenant's reviews."""
