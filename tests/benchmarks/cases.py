"""All cases by name."""

from tests.benchmarks.conforming import conforming
from tests.benchmarks.ingestion import ingestion
from tests.benchmarks.reconciling import reconciling
from tests.benchmarks.scheduling import scheduling

CASES = {"ingestion": ingestion, "scheduling": scheduling, "conforming": conforming, "reconcile": reconciling}
