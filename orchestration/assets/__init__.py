"""The assets: raw exports, the models layer by layer, and what is published; each gate is a blocking asset check."""
