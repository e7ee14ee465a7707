"""What exports do not tell, or tell in contradiction, is unknown: neither late, nor on time, nor nothing."""

from pathlib import Path

import pytest
from published import Home, cxhouse

# Two shops by two contracts: one tells deliveries and who cancelled, the other one neither.
TELLING = """order_id,ordered_at,status,promised_ship_at,shipped_at,promised_delivery_at,delivered_at,cancelled_at,cancelled_by
T1,2026-06-01T10:00:00Z,delivered,2026-06-02,2026-06-02T09:00:00Z,2026-06-05,2026-06-04T09:00:00Z,,
T2,2026-06-01T10:00:00Z,shipped,2026-06-02,2026-06-02T09:00:00Z,2026-06-05,,,
T3,2026-06-01T10:00:00Z,delivered,2026-06-02,2026-06-02T09:00:00Z,2026-06-05,,,
T4,2026-06-03T10:00:00Z,delivered,2026-06-04,2026-06-03T12:00:00Z,2026-06-05,2026-06-02T09:00:00Z,,
T5,2026-06-01T10:00:00Z,cancelled,,,,,2026-06-01T12:00:00Z,seller
T6,2026-06-01T10:00:00Z,cancelled,,,,,2026-06-01T12:00:00Z,
"""
