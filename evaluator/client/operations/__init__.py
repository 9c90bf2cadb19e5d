"""Every operation of the service as a `Call`: arguments in, what is sent and how its answer is read out."""
