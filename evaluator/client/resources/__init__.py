"""What the service answers, as frozen models; members that a newer service adds are passed over."""
