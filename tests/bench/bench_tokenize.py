"""Rows a second of tokenize, and its memory: python tests/bench/bench_tokenize.py [rows]

The rival is the usual loop: pandas-style batches of rows through a transformers fast tokenizer, written with pyarrow;
it neither removes duplicates nor splits. Both read the same TSV of headline-like texts and use the same vocabulary;
each runs in a process of its own, so that the peak memory (VmHWM) is its own. CPU seconds stand beside the rate, since
wall time on a shared machine measures its neighbours.
"""

import random
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "components")]
BATCH, MAX_LENGTH, VOCABULARY = 1_000, 32, 5_000


def main() -> None:
    """Measure both, at two sizes."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        make_tokenizer(work / "start")
        print(f"{'way':<12}{'rows':>10}{'rows/s':>10}{'CPU s':>8}{'peak MB':>10}")
        for count in (rows, 4 * rows):
            make_table(work / f"{count}.tsv", count)
            for way in ("potstill", "loop"):
                seconds, busy, peak = in_own_process(way, work, count)
                print(f"{way:<12}{count:>10,}{count / seconds:>10,.0f}{busy:>8.1f}{peak:>10.0f}")


def make_tokenizer(folder: Path) -> None:
    """Write a BERT tokenizer of VOCABULARY entries."""
    from transformers import BertTokenizerFast

    folder.mkdir()
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(chr(0x4E00 + index) for index in range(VOCABULARY - 5))]
    (folder / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")
    BertTokenizerFast.from_pretrained(folder).save_pretrained(folder)


def make_table(path: Path, rows: int) -> None:
    """Write texts of 10 to 30 characters with ten labels."""
    draw = random.Random(0)
    characters = [chr(0x4E00 + index) for index in range(4_000)]
    with path.open("w", encoding="utf-8") as file:
        file.write("label\ttext\n")
        for row in range(rows):
            file.write(f"topic{row % 10}\t{''.join(draw.choices(characters, k=draw.randint(10, 30)))}\n")


def in_own_process(way: str, work: Path, rows: int) -> tuple[float, float, float]:
    """Run one way; return wall and CPU seconds (imports not counted) and peak memory in MB."""
    command = [sys.executable, __file__, "--one", way, str(work), str(rows)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    seconds, busy, peak = map(float, said.split()[-3:])
    return seconds, busy, peak


def one(way: str, work: Path, rows: int) -> None:
    """Run one way in this process and print its seconds, CPU seconds and peak memory."""
    run = potstill if way == "potstill" else loop
    seconds, busy = run(work / f"{rows}.tsv", work / "start", work / f"{way}-{rows}")
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert peak is not None
    print(seconds, busy, int(peak[1]) / 1e3)


def potstill(table: Path, start: Path, out: Path) -> tuple[float, float]:
    """Run the whole stage: read, deduplicate, split, tokenise, write, seal."""
    from potstill.tokenize import TokenizeConfig, tokenize_table

    began, idle = time.perf_counter(), time.process_time()
    tokenize_table(table, start, out, TokenizeConfig(max_length=MAX_LENGTH))
    return time.perf_counter() - began, time.process_time() - idle


def loop(table: Path, start: Path, out: Path) -> tuple[float, float]:
    """Read, tokenise and write, batch by batch."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from pyarrow import csv
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(start)
    began, idle = time.perf_counter(), time.process_time()
    schema = pa.schema([("text", pa.string()), ("label", pa.string()), ("input_ids", pa.list_(pa.int32()))])
    out.mkdir()
    with (
        csv.open_csv(table, parse_options=csv.ParseOptions(delimiter="\t")) as reader,
        pq.ParquetWriter(out / "all.parquet", schema, compression="zstd") as writer,
    ):
        for block in reader:
            for start_row in range(0, len(block), BATCH):
                rows = block.slice(start_row, BATCH).to_pydict()
                ids = tokenizer(rows["text"], truncation=True, max_length=MAX_LENGTH)["input_ids"]
                writer.write_table(pa.table({"text": rows["text"], "label": rows["label"], "input_ids": ids}, schema))
    return time.perf_counter() - began, time.process_time() - idle


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
    else:
        main()
