"""All cases by name."""

from tests.benchmarks.conforming import conforming
from tests.benchmarks.ingestion import ingestion
from tests.benchmarks.linking import linking
from tests.benchmarks.scheduling import scheduling

CASES = {"ingestion": ingestion, "scheduling": scheduling, "conforming": conforming, "linking": linking}
