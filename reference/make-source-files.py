"""
Writes the parquet files and tar archives that @easel/train's source tests read, with what is in them.

    pip install duckdb==2.0.1 pyarrow==26.0.1 polars==2.1.0 webdataset==1.0.2
    python -P reference/make-source-files.py packages/train/src/sources/golden

(-P: else webdataset takes the folder torch beside this program for the package.)

expected.json holds each file's rows: what the writer was given. DuckDB packs runs of 256 values and pads the last
one; pyarrow and polars write other encodings, pages and types.
"""

import csv
import io
import json
import random
import sys
from pathlib import Path

import duckdb
import polars
import pyarrow
import pyarrow.parquet
import webdataset

out = Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)
random.seed(7)

schema = pyarrow.schema(
    [
        ("image", pyarrow.binary()),
        ("caption", pyarrow.string()),
        ("texts", pyarrow.list_(pyarrow.string())),
        ("encoding", pyarrow.list_(pyarrow.int32())),
        ("flag", pyarrow.bool_()),
    ]
)
expected = {}


def rows(count: int, nulls: float, distinct: int) -> list[dict]:
    """Rows of `distinct` different values, of which a share is null."""

    def or_null(value):
        return None if random.random() < nulls else value

    return [
        {
            "image": or_null(bytes([i % distinct, 7, 255])),
            "caption": or_null(f"caption {i % distinct} é"),
            "texts": or_null([or_null(f"t{i * k % distinct}") for k in range(random.choice([0, 1, 3]))]),
            "encoding": [(i * k + 3) % distinct for k in range(4)],
            "flag": or_null(i % 3 == 0),
        }
        for i in range(count)
    ]


def record(name: str, given: list[dict]) -> str:
    expected[name] = [{**row, "image": row["image"].hex() if row["image"] is not None else None} for row in given]
    return str(out / name)


for count, nulls, distinct in [(2, 0.5, 2), (100, 0.3, 5), (300, 0, 1)]:
    given = rows(count, nulls, distinct)
    table = pyarrow.Table.from_pylist(given, schema=schema)
    label = f"{count}-{int(nulls * 100)}-{distinct}"
    connection = duckdb.connect()
    connection.register("given", table)
    for version in ["V1", "V2"]:
        for codec in ["uncompressed", "zstd"]:
            path = record(f"duckdb-{version}-{codec}-{label}.parquet", given)
            connection.execute(f"COPY given TO '{path}' (FORMAT parquet, COMPRESSION {codec}, PARQUET_VERSION {version})")
    for version in ["1.0", "2.0"]:
        pyarrow.parquet.write_table(
            table,
            record(f"pyarrow-{version}-dictionary-{label}.parquet", given),
            data_page_version=version,
            compression="lz4",
            row_group_size=80,
        )
        large = table.cast(
            pyarrow.schema(
                [
                    ("image", pyarrow.large_binary()),
                    ("caption", pyarrow.large_string()),
                    ("texts", pyarrow.large_list(pyarrow.large_string())),
                    ("encoding", pyarrow.list_(pyarrow.int32(), 4)),
                    ("flag", pyarrow.bool_()),
                ]
            )
        )
        pyarrow.parquet.write_table(
            large,
            record(f"pyarrow-{version}-delta-{label}.parquet", given),
            data_page_version=version,
            compression="brotli",
            use_dictionary=False,
            column_encoding={"caption": "DELTA_BYTE_ARRAY", "image": "DELTA_LENGTH_BYTE_ARRAY", "flag": "RLE"},
            data_page_size=200,
        )
    polars.from_arrow(table).with_columns(polars.col("caption").cast(polars.Categorical)).write_parquet(
        record(f"polars-{label}.parquet", given), compression="zstd"
    )

# A run of one value that goes beyond the count: no writer makes one, other readers take it.
three = rows(3, 0, 3)
path = Path(record("run-beyond-count.parquet", three))
pyarrow.parquet.write_table(
    pyarrow.Table.from_pylist(three, schema=schema), path, compression="none", use_dictionary=False
)
# Length 2, a run of three ones (header 6) -> of thirty-two (header 64).
whole = path.read_bytes()
assert b"\x02\x00\x00\x00\x06\x01" in whole
path.write_bytes(whole.replace(b"\x02\x00\x00\x00\x06\x01", b"\x02\x00\x00\x00\x40\x01"))
# Tables by Python's csv, of every way to quote and to end lines.
words = ["a", '"', '""', ",", "\t", "\n", "\r\n", " ", "é", '5" screen', "'", ""]
tables = []
for i in range(60):
    delimiter = random.choice([",", "\t"])
    given = [["x" if j == 0 else "".join(random.choices(words, k=random.randrange(5))) for j in range(3)] for _ in range(6)]
    text = io.StringIO()
    writer = csv.writer(
        text,
        delimiter=delimiter,
        # With a shorter line end, QUOTE_MINIMAL leaves the other ends in fields unquoted.
        **random.choice(
            [{"quoting": csv.QUOTE_MINIMAL, "lineterminator": "\r\n"}]
            + [{"quoting": csv.QUOTE_ALL, "lineterminator": end} for end in ["\n", "\r\n", "\r"]]
        ),
    )
    writer.writerows(given)
    tables.append({"delimiter": delimiter, "text": text.getvalue(), "rows": given})
(out / "tables.json").write_text(json.dumps(tables, ensure_ascii=False))

# Tars by webdataset, and what webdataset reads from them.
samples = {}
for name in ["webdataset.tar", "webdataset.tar.gz"]:
    with webdataset.TarWriter(str(out / name), mtime=0) as writer:
        for i in range(12):
            sample = {"__key__": f"a.b/{i:05d}", "png": bytes([i]) * (1 + i * 97), "cls": i}
            sample["json"] = json.dumps({"caption": f"of json {i}", "score": float("nan")}).encode()
            if i % 3:
                sample["txt"] = f"of text {i} é"
            if i % 4 == 0:
                sample["seg.png"] = b"mask"
            writer.write(sample)
    samples[name] = [
        {
            "key": sample["__key__"],
            "png": sample["png"].hex(),
            "caption": sample["txt"].decode() if "txt" in sample else json.loads(sample["json"])["caption"],
            "further": "seg.png" in sample,
        }
        for sample in webdataset.WebDataset(str(out / name), shardshuffle=False)
    ]
(out / "webdataset.json").write_text(json.dumps(samples, ensure_ascii=False))

json_rows = ",\n".join(
    f"{json.dumps(name)}: [\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in given) + "\n]"
    for name, given in expected.items()
)
(out / "expected.json").write_text("{\n" + json_rows + "\n}\n")
