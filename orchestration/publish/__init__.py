"""Publishing: what readers get, what of it to whom, and what has to be so before they do."""
