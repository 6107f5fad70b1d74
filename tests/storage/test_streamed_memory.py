"""Memory stays flat while a large object streams."""

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.s3
LINE = b"%09d" + "国足热身赛一比零取胜，主帅称赞年轻球员的表现\t体育\n".encode()
SMALL, LARGE = 400_000, 3_200_000  # rows; 33 and 266 MB
STREAM = """
import json, re, sys
from pathlib import Path
from potstill.data.table_columns import Columns
from potstill.data.tables import digest_of, stream_table, table_in_store
from potstill.store.finding import find_objects

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) / 1e3

told = []
for uri in sys.argv[1:]:
    table = table_in_store(uri, find_objects(uri))
    digest_of(table)
    rows = sum(map(len, stream_table(table, Columns("text", "label", ("text", "label")))))
    told.append([rows, table.files[0].size / 1e6, peak()])
print(json.dumps(told))
"""


def test_a_large_object_takes_no_more_memory_than_a_small_one(s3_bucket):
    """As the system counts it: the highest resident memory of the process, after the one and after the other."""
    import boto3

    client, name = boto3.client("s3"), s3_bucket.removeprefix("s3://")
    for key, rows in (("small.tsv", SMALL), ("large.tsv", LARGE)):
        client.put_object(Bucket=name, Key=key, Body=b"".join(LINE % number for number in range(rows)))
    command = [sys.executable, "-c", STREAM, f"{s3_bucket}/small.tsv", f"{s3_bucket}/large.tsv"]
    said = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ | {"RANK": "0"}).stdout
    (few, small, before), (many, large, after) = json.loads(said)
    assert (few, many) == (SMALL, LARGE)
    assert large > 200
    # 29 to 39 MB are the second client's and what allocators keep; whole in memory it would be 233 MB and more.
    told = f"{small:.0f} MB took {before:.0f} MB, {large:.0f} MB took {after:.0f} MB"
    assert after - before < (large - small) / 4, told
    client.delete_object(Bucket=name, Key="large.tsv")  # the server keeps it in memory
