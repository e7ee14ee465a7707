"""Publishing: what readers get, what of it to whom, and what has to be so before they do."""

from orchestration.publish.candidate import MAX_GROWTH, OF_THE_RUN, Candidate
from orchestration.publish.publications import (
    MARTS,
    Publication,
    PublicTable,
    public_tables,
    publications,
    publications_of,
)
from orchestration.publish.reading import open_published
from orchestration.publish.version_facts import PublishedVersion, publication_of, read_publication

__all__ = [
    "MARTS",
    "MAX_GROWTH",
    "OF_THE_RUN",
    "Candidate",
    "PublicTable",
    "Publication",
    "PublishedVersion",
    "open_published",
    "public_tables",
    "publication_of",
    "publications",
    "publications_of",
    "read_publication",
]
