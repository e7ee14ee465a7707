"""Sample exports: one believable company, written as its tools would export it."""
