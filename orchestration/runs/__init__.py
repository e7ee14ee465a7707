"""What a run did: its record, the alerts of what failed, the page of its gates, and how a run ends."""
