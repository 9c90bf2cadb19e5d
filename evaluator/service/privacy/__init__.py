"""What keeps the promise that nothing stays longer than was asked for."""
