"""The private warehouse of a home: what builds it, what can stay as it is, and which engine does it."""
