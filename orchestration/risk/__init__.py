"""Risks: of a customer to be lost, of a ticket to miss its target and to end in a bad score."""
