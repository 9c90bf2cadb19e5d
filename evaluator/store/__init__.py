"""What is kept between runs, by content key, in SQLite."""
