"""What programs and notebooks use of the warehouse: ``import cxhouse; cxhouse.query(...)``."""

from orchestration.query.api import explain, query

__all__ = ["explain", "query"]
