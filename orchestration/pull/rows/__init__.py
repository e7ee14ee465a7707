"""From rows of text to canonical rows, or to quarantine with the reason."""
