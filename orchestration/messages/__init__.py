"""What people get by mail and chat: new alerts by cause, and KPIs once a period."""
