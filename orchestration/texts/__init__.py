"""What customers write and say: its language, its sentiment, and the personal data in it."""
