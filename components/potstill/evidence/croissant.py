"""The data sheet of a release: every imported data set with its files, digests, source, terms and licence.

The data itself stays where it is; who has it puts this file beside it. Source: docs.mlcommons.org/croissant, 1.0.
"""

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

from potstill.artifacts import DATASET, TOKENS, Artifact, File
from potstill.evidence.evidence import Evidence
from potstill.evidence.sources import source_resources
from potstill.licences import strictest
from potstill.signing.canonical import canonical

CONTEXT: Final = {  # as the specification writes it
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
FORMATS = {
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "jsonl": "application/jsonlines",
    "parquet": "application/x-parquet",
    "gz": "application/gzip",
}
TABLES = ("csv", "tsv", "jsonl", "parquet")  # read by the names of their columns, without being unpacked
PLAIN = "text/plain"


def croissant_of(evidence: Evidence) -> bytes:
    """Make the data sheet as Croissant JSON-LD.

    Args:
        evidence: of a release or a bundle.

    Returns: canonical JSON. Each file is named by its path inside its data set, with its SHA-256; where tokenize read
        one table by the names of its columns, text and label are described as records.
    """
    data = [each for each in _in_order(evidence) if each.kind == DATASET]
    body = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": f"{evidence.index.name}-data",
        "version": evidence.index.version,
        "description": " ".join(_described(each) for each in data),
        "license": strictest(each.licence for each in data).expression,
        "url": f"urn:potstill:release:{evidence.index.name}@{evidence.index.version}",
        "distribution": [_file(each, file) for each in data for file in each.files],
        "recordSet": [record for each in data for record in _records(each, evidence)],
    }
    return canonical(body)


def _in_order(evidence: Evidence) -> Iterator[Artifact]:
    yield from (evidence.manifests[digest] for digest in evidence.lineage.order)


def _described(data: Artifact) -> str:
    """Name, size, source and terms of a data set, in a sentence or two."""
    sources = ", ".join(each["uri"] for each in source_resources(data) if "uri" in each)
    size = f"{data.meaning['rows']} rows, " if isinstance(data.meaning.get("rows"), int) else ""
    terms = str(data.meaning.get("terms", ""))
    said = f"{data.meaning.get('name', 'data')} ({size}{data.licence.expression}, {data.licence.use}), from {sources}."
    return f"{said} {terms}".rstrip()


def _file(data: Artifact, file: File) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": _id(data, file),
        "name": file.path,
        "contentUrl": quote(file.path),
        "contentSize": f"{file.bytes} B",
        "encodingFormat": FORMATS.get(_ending(file), PLAIN),
        "sha256": file.sha256,
    }


def _records(data: Artifact, evidence: Evidence) -> Iterator[dict[str, Any]]:
    """Text and label of each row, as tokenize read them."""
    tables = [each for each in data.files if _ending(each) in TABLES]
    readers = [each for each in _in_order(evidence) if each.kind == TOKENS and data.digest in each.inputs.values()]
    if len(tables) != 1 or not readers:
        return
    config = readers[0].made_by["config"]
    names = [config.get(name) for name in ("text_column", "label_column")]
    if config.get("columns") == "" and all(isinstance(name, str) and name for name in names):
        own = f"{_short(data)}/rows"
        fields = [_field(own, name, _id(data, tables[0])) for name in dict.fromkeys(names)]
        yield {"@type": "cr:RecordSet", "@id": own, "name": own, "field": fields}


def _field(records: str, column: str, file: str) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": f"{records}/{column}",
        "name": column,
        "dataType": "sc:Text",
        "source": {"fileObject": {"@id": file}, "extract": {"column": column}},
    }


def _id(data: Artifact, file: File) -> str:
    return f"{_short(data)}/{file.path}"


def _short(data: Artifact) -> str:
    return data.digest[:16]


def _ending(file: File) -> str:
    return file.path.rpartition(".")[2].lower()
