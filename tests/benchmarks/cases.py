"""All cases by name."""

from tests.benchmarks.catalogue import catalogue_search, coalitions, grant_life
from tests.benchmarks.checking import checking
from tests.benchmarks.conforming import conforming
from tests.benchmarks.contracts import contracts
from tests.benchmarks.ingestion import ingestion
from tests.benchmarks.linking import linking
from tests.benchmarks.reconciling import reconciling
from tests.benchmarks.scheduling import scheduling
from tests.benchmarks.serving import api_fuzz, catalogue_readers

CASES = {
    "contracts": contracts,
    "ingestion": ingestion,
    "scheduling": scheduling,
    "checking": checking,
    "conforming": conforming,
    "linking": linking,
    "reconcile": reconciling,
    "catalogue-readers": catalogue_readers,
    "api-fuzz": api_fuzz,
    "catalogue-search": catalogue_search,
    "grant-life": grant_life,
    "coalitions": coalitions,
}
