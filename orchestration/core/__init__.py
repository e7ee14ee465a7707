"""What every part reads: errors, locks, files that last, connections and their bounds."""
