"""What a home does with the data of persons: forgetting them, showing what is held about them, keeping it for so long only."""
