"""Who calls the service: tenants, their keys, and how much each may ask for."""
