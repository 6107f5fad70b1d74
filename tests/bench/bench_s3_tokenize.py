"""Reading a table out of S3: streamed, against downloaded and then read: python tests/bench/bench_s3_tokenize.py [rows]

Both prove the table's digest and read its two columns to the end, as tokenize does before it tokenises; the download is
boto3's own, in parts and ten threads. The store is a radosgw on this machine, so the network costs nothing: what is
measured is what each way costs itself. Each runs in a process of its own, whose peak memory (VmHWM) and largest use of
the disk are its own. `tokenize` is the whole stage, streamed and from a file.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "components")]

from tests.bench.bench_tokenize import make_table, make_tokenizer  # noqa: E402
from tests.radosgw import serving  # noqa: E402

WAYS = ("streamed", "downloaded", "tokenize streamed", "tokenize file")


def main() -> None:
    """Measure all ways on one table."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 4_000_000
    with tempfile.TemporaryDirectory() as temporary, serving(_made(Path(temporary) / "server")) as server:
        work = Path(temporary)
        os.environ |= {
            "AWS_ENDPOINT_URL": server.endpoint,
            "AWS_ACCESS_KEY_ID": server.access_key,
            "AWS_SECRET_ACCESS_KEY": server.secret_key,
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        make_tokenizer(work / "start")
        make_table(work / "table.tsv", rows)
        size = _upload(work / "table.tsv") / 1e6
        print(f"{rows:,} rows, {size:.0f} MB")
        print(f"{'way':<20}{'seconds':>9}{'MB/s':>8}{'CPU s':>8}{'peak MB':>9}{'disk MB':>9}")
        for way in WAYS:
            seconds, busy, peak, disk = in_own_process(way, work)
            print(f"{way:<20}{seconds:>9.1f}{size / seconds:>8.0f}{busy:>8.1f}{peak:>9.0f}{disk:>9.0f}")


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _upload(table: Path) -> int:
    import boto3

    client = boto3.client("s3")
    client.create_bucket(Bucket="texts")
    client.upload_file(str(table), "texts", "table.tsv")
    return table.stat().st_size


def in_own_process(way: str, work: Path) -> tuple[float, float, float, float]:
    """Run one way; return wall and CPU seconds (imports not counted), peak memory and disk in MB."""
    command = [sys.executable, __file__, "--one", way, str(work)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    seconds, busy, peak, disk = map(float, said.split()[-4:])
    return seconds, busy, peak, disk


def one(way: str, work: Path) -> None:
    """Run one way in this process, and print what it took."""
    import pyarrow.csv  # noqa: F401
    import tokenizers  # noqa: F401

    from potstill.tokenize import stage  # noqa: F401

    began, idle = time.perf_counter(), time.process_time()
    disk = tokenized(way, work) if way.startswith("tokenize") else read(way, work)
    seconds, busy = time.perf_counter() - began, time.process_time() - idle
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert peak is not None
    print(seconds, busy, int(peak[1]) / 1e3, disk / 1e6)


def read(way: str, work: Path) -> int:
    """Prove the digest and read the rows; return the bytes that were put on the disk."""
    from potstill.data.table_columns import Columns
    from potstill.data.tables import digest_of, stream_table, table_in_store, table_on_disk
    from potstill.store.finding import fetch, find_objects

    uri, folder = "s3://texts/table.tsv", work / "fetched"
    if way == "downloaded":
        folder.mkdir()
        table = table_on_disk(fetch(uri, folder)[0])
    else:
        table = table_in_store(uri, find_objects(uri))
    digest_of(table)
    assert sum(map(len, stream_table(table, Columns("text", "label")))) > 0
    return sum(each.stat().st_size for each in folder.glob("*"))


def tokenized(way: str, work: Path) -> int:
    """Run the whole stage; return the bytes of what it wrote."""
    from potstill.tokenize import TokenizeConfig, tokenize_table

    data = "s3://texts/table.tsv" if way.endswith("streamed") else work / "table.tsv"
    out = work / way.replace(" ", "-")
    tokenize_table(data, work / "start", out, TokenizeConfig(max_length=32))
    return sum(each.stat().st_size for each in out.glob("*"))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(sys.argv[2], Path(sys.argv[3]))
    else:
        main()
