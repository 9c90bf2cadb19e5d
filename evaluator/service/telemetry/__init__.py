"""What the operator of a service sees of it: metrics, a log line for each request, an id in each answer."""
