"""Sample exports: one believable company, written as its tools would export it."""

from orchestration.sample.writing import write_sample

__all__ = ["write_sample"]
