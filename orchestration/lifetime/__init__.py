"""Customer lifetime value: the models, the step that fits them, and the tables that it writes."""
