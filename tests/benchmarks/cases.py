"""All cases by name."""

from tests.benchmarks.checking import checking
from tests.benchmarks.conforming import conforming
from tests.benchmarks.ingestion import ingestion
from tests.benchmarks.scheduling import scheduling

CASES = {"ingestion": ingestion, "scheduling": scheduling, "conforming": conforming, "checking": checking}
