"""Where exports come from: folders, remote stores, APIs, databases."""
