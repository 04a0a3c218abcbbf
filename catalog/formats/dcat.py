"""The catalogue as DCAT-AP 3 in JSON-LD (数据目录词汇), held to the mandatory properties by SHACL shapes of its own.

Source: W3C DCAT 3 and the application profile DCAT-AP 3.0; frequencies and access rights are the EU's authority tables.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from pyshacl import validate
from rdflib import DCAT, DCTERMS, FOAF, RDF, XSD, Graph, Literal, Namespace, URIRef

from catalog.model.catalogue_entry import Entry
from catalog.model.departments import load_departments
from catalog.model.errors import GuantongError

SHAPES = Path(__file__).with_name("dcat_ap_required.ttl")
_FREQUENCY = Namespace("http://publications.europa.eu/resource/authority/frequency/")
_RIGHTS = Namespace("http://publications.europa.eu/resource/authority/access-right/")
_FREQUENCIES = {
    "real_time": "UPDATE_CONT", "daily": "DAILY", "weekly": "WEEKLY", "monthly": "MONTHLY", "quarterly": "QUARTERLY",
    "yearly": "ANNUAL",
}  # fmt: skip
_ACCESS = {"unconditional": "RESTRICTED", "conditional": "RESTRICTED", "refused": "NON_PUBLIC"}
"""What is shared among departments is not public; what is open to the public is PUBLIC."""


class DcatError(GuantongError):
    """The exported catalogue lacks what DCAT-AP makes mandatory."""

    code = "DCAT_INVALID"


def dcat_document(entries: Iterable[tuple[Entry, datetime | None]], base: str) -> str:
    """Return the published entries as JSON-LD.

    Args:
        entries: entries with the moment of their publication.
        base: address of the service, ``https://host``.

    Raises:
        DcatError: a mandatory property is missing.
    """
    graph = Graph()
    graph.bind("dcat", DCAT)
    graph.bind("dct", DCTERMS)
    catalogue = URIRef(f"{base}/api/v1/catalogue")
    host = next(one for one in load_departments().values() if one.role == "host")
    graph.add((catalogue, RDF.type, DCAT.Catalog))
    graph.add((catalogue, DCTERMS.title, Literal("政务数据目录", lang="zh")))
    graph.add((catalogue, DCTERMS.description, Literal("各部门发布的政务数据资源目录", lang="zh")))
    graph.add((catalogue, DCTERMS.publisher, _agent(graph, base, host.id)))
    for entry, published_at in entries:
        dataset = _dataset(graph, base, entry, published_at)
        graph.add((catalogue, DCAT.dataset, dataset))
    _require_valid(graph)
    return graph.serialize(format="json-ld", auto_compact=True)


def _dataset(graph: Graph, base: str, entry: Entry, published_at: datetime | None) -> URIRef:
    dataset = URIRef(f"{base}/api/v1/catalogue/{entry.code}")
    graph.add((dataset, RDF.type, DCAT.Dataset))
    graph.add((dataset, DCTERMS.identifier, Literal(entry.code)))
    graph.add((dataset, DCTERMS.title, Literal(entry.name, lang="zh")))
    graph.add((dataset, DCTERMS.description, Literal(entry.abstract, lang="zh")))
    graph.add((dataset, DCTERMS.publisher, _agent(graph, base, entry.provider, entry.provider_uscc)))
    graph.add((dataset, DCTERMS.accrualPeriodicity, _FREQUENCY[_FREQUENCIES[entry.update_cycle]]))
    graph.add((dataset, DCTERMS.accessRights, _RIGHTS["PUBLIC" if entry.is_open else _ACCESS[entry.share_type]]))
    for item in entry.items:
        graph.add((dataset, DCAT.keyword, Literal(item.business_name, lang="zh")))
    if published_at is not None:
        graph.add((dataset, DCTERMS.issued, Literal(published_at.date().isoformat(), datatype=XSD.date)))
    for mode in entry.modes if entry.share_type != "refused" else ():
        distribution = URIRef(f"{dataset}#{mode}")
        graph.add((dataset, DCAT.distribution, distribution))
        graph.add((distribution, RDF.type, DCAT.Distribution))
        graph.add((distribution, DCAT.accessURL, URIRef(f"{base}/api/v1/applications")))
        graph.add((distribution, DCTERMS.title, Literal(f"{entry.name} ({mode})", lang="zh")))
    return dataset


def _agent(graph: Graph, base: str, department: str, uscc: str | None = None) -> URIRef:
    known = load_departments().get(department)
    agent = URIRef(f"{base}/api/v1/departments/{department}")
    graph.add((agent, RDF.type, FOAF.Agent))
    graph.add((agent, FOAF.name, Literal(known.name if known else department, lang="zh")))
    graph.add((agent, DCTERMS.identifier, Literal(uscc or (known.uscc if known else department))))
    return agent


def _require_valid(graph: Graph) -> None:
    shapes = Graph().parse(SHAPES, format="turtle")
    conforms, _, words = validate(graph, shacl_graph=shapes, advanced=False)
    if not conforms:
        raise DcatError(f"the catalogue breaks DCAT-AP: {words}", place=str(SHAPES), remedy="mend the entries named")
