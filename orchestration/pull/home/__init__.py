"""What a home keeps of what arrived: originals, the ledger, rejected rows, and the raw folder."""
