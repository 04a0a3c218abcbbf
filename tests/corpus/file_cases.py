"""Files as a whole: empty, cut off, of another kind, not what the receipt says; archives that must not be unpacked."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from typing import Any

from tests.corpus.case import HEADER, Case, Row, admitted, csv, held
from tests.corpus.workbook_cases import PLAIN

G = "file"
ROW: Row = ("1", "店", "x")
LIST = csv("1,店,x")
CSVS = "*.csv"
Change = Callable[[tarfile.TarInfo], None]


def tar(*members: str, mode: str = "w", change: Change | None = None, **options: Any) -> bytes:
    """Return a tar archive of one list per member; ``change`` spoils the last one."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode, **options) as archive:
        for number, name in enumerate(members, 1):
            member = tarfile.TarInfo(name)
            content = csv(f"{number},店,x")
            member.size = len(content)
            if change and number == len(members):
                change(member)
            archive.addfile(member, io.BytesIO(content) if member.isreg() else None)
    return out.getvalue()


def nested() -> bytes:
    """Return an archive in an archive, under the name of a list."""
    inner, out = tar("a.csv"), io.BytesIO()
    member = tarfile.TarInfo("inner.csv")
    member.size = len(inner)
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(member, io.BytesIO(inner))
    return out.getvalue()


def of_kind(kind: bytes, target: str = "") -> Change:
    """Return what makes a member a link or a device."""

    def change(member: tarfile.TarInfo) -> None:
        member.type, member.linkname, member.size = kind, target, 0

    return change


def as_large(member: tarfile.TarInfo) -> None:
    """Let a member say that it unpacks to three gigabytes."""
    member.size = 3 << 30


def bomb() -> bytes:
    """Return an archive whose one member says that it unpacks to more than any delivery."""
    member = tarfile.TarInfo("a.csv")
    as_large(member)
    return gzip.compress(member.tobuf() + bytes(1 << 20), mtime=0)


def extended_bomb() -> bytes:
    """Return an archive with an extended header of a gigabyte."""
    header = tarfile.TarInfo("././@PaxHeader")
    header.type, header.size = tarfile.XHDTYPE, 1 << 30
    return gzip.compress(header.tobuf(format=tarfile.USTAR_FORMAT) + bytes(1 << 20), mtime=0)


def damaged(content: bytes, at: int) -> bytes:
    """Return bytes of which one is wrong."""
    spoilt = bytearray(content)
    spoilt[at] ^= 255
    return bytes(spoilt)


def zipped() -> bytes:
    """Return a ZIP archive with a list."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(zipfile.ZipInfo("a.csv"), LIST)
    return out.getvalue()


def unsafe(name: str, content: bytes, *words: str) -> Case:
    """Return an archive that is refused before anything is unpacked."""
    return held(f"archive_{name}", G, content, "ARCHIVE_UNSAFE", *words, "nothing was unpacked", archive_member=CSVS)


def other_format(name: str, content: bytes, words: str) -> Case:
    """Return a file of another kind under the name of a text file."""
    return held(f"csv_{name}", G, content, "STRUCTURE_INVALID", words, "the contract says text", "`format`")


TWO = tar("a.csv", "b.csv")
BOTH: list[Row] = [ROW, ("2", "店", "x")]
ARCHIVES = [
    admitted("archive_plain", G, TWO, BOTH, archive_member=CSVS),
    admitted("archive_gzip", G, tar("a.csv", "b.csv", mode="w:gz"), BOTH, archive_member=CSVS),
    admitted("archive_xz", G, tar("a.csv", "b.csv", mode="w:xz"), BOTH, archive_member=CSVS),
    admitted("archive_chinese_and_long_names", G, tar("一" * 60 + ".csv", "二.csv"), BOTH, archive_member=CSVS),
    admitted("archive_other_members", G, tar("a.csv", "说明.txt"), [ROW], archive_member=CSVS,
         notes={"MEMBER_IGNORED"}),
    unsafe("parent_folder", tar("a.csv", "../b.csv"), "../b.csv points outside"),
    unsafe("parent_folder_inside", tar("a.csv", "x/../../b.csv"), "points outside"),
    unsafe("absolute_path", tar("a.csv", "/etc/b.csv"), "/etc/b.csv points outside"),
    unsafe("windows_path", tar("a.csv", "..\\b.csv"), "points outside"),
    unsafe("symbolic_link", tar("a.csv", "b.csv", change=of_kind(tarfile.SYMTYPE, "/etc/passwd")), "b.csv is a link"),
    unsafe("hard_link", tar("a.csv", "b.csv", change=of_kind(tarfile.LNKTYPE, "a.csv")), "b.csv is a link"),
    unsafe("device", tar("a.csv", "b.csv", change=of_kind(tarfile.CHRTYPE)), "a device"),
    unsafe("named_pipe", tar("a.csv", "b.csv", change=of_kind(tarfile.FIFOTYPE)), "a device"),
    unsafe("member_twice", tar("a.csv", "a.csv"), "a.csv comes twice"),
    unsafe("bomb", bomb(), "limit"),
    unsafe("extended_header_bomb", extended_bomb(), "extended header"),
    unsafe("cut_off_in_a_member", TWO[:700], "not a readable tar"),
    unsafe("cut_off_between_members", TWO[:1024], "cut off after member a.csv"),
    unsafe("header_damaged", damaged(TWO, 1030), "damaged or cut off after member a.csv"),
    unsafe("compressed_data_damaged", damaged(tar("a.csv", "b.csv", mode="w:gz"), 60), "not a readable tar"),
    unsafe("compressed_data_of_another_checksum", damaged(tar("a.csv", "b.csv", mode="w:gz"), -8), "CRC"),
    unsafe("compressed_data_cut_off", tar("a.csv", "b.csv", mode="w:gz")[:-30], "not a readable tar"),
    unsafe("zip_for_tar", zipped(), "not a readable tar"),
    unsafe("of_no_bytes", b"", "not a readable tar"),
    held("archive_without_the_agreed_member", G, tar("说明.txt"), "EMPTY_DELIVERY", "no member matches",
         "archive_member",
         archive_member=CSVS),
    held("archive_inside_an_archive", G, nested(), "STRUCTURE_INVALID", "delivery!inner.csv", "a tar archive",
         archive_member=CSVS),
]  # fmt: skip
SHA = hashlib.sha256(LIST).hexdigest()
CASES = [
    *ARCHIVES,
    held("csv_of_no_bytes", G, b"", "EMPTY_DELIVERY", "no record", "ask for the file again"),
    held("csv_only_header", G, csv(), "EMPTY_DELIVERY", "no record"),
    held("csv_only_a_mark", G, b"\xef\xbb\xbf", "EMPTY_DELIVERY", "no record"),
    held("csv_only_blank_lines", G, b"\r\n \r\n,,\r\n", "EMPTY_DELIVERY", "no record", records=3),
    held("csv_only_a_total", G, csv("合计,0,"), "EMPTY_DELIVERY", "no record", records=1),
    held("json_of_no_bytes", G, b" \n", "EMPTY_DELIVERY", "no record", format="json"),
    held("json_empty_list", G, b"[]", "EMPTY_DELIVERY", "no record", format="json"),
    held("xlsx_of_no_bytes", G, b"", "EMPTY_DELIVERY", "no record", format="xlsx"),
    other_format("is_a_workbook", PLAIN, "a ZIP archive or an XLSX workbook"),
    other_format("is_an_old_workbook", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "an XLS workbook"),
    other_format("is_gzip", gzip.compress(LIST, mtime=0), "compressed with gzip"),
    other_format("is_bzip2", bz2.compress(LIST), "compressed with bzip2"),
    other_format("is_xz", lzma.compress(LIST), "compressed with xz"),
    other_format("is_a_tar_archive", TWO, "a tar archive"),
    other_format("is_a_pdf", b"%PDF-1.4\n", "a PDF document"),
    held("csv_is_a_json_document", G, b'[{"uscc": "1"}]', "COLUMN_MISSING", "none of the"),
    held("csv_is_an_error_page", G, b"<html><body>502 Bad Gateway</body></html>\n", "COLUMN_MISSING", "none of the"),
    admitted("receipt_fits", G, LIST, [ROW], receipt={"rows": 1, "sha256": SHA}, receipt_rule="required"),
    held("receipt_missing", G, LIST, "RECEIPT_MISSING", "without its receipt", "receipt.json", receipt_rule="required"),
    held("receipt_of_other_bytes", G, LIST, "HASH_MISMATCH", "the receipt says", "cut off", receipt={
        "rows": 1, "sha256": "0" * 64}),
    held("receipt_declares_more", G, LIST, "SHORT_DELIVERY", "declares 2 records, 1 came: 1 missing", records=1,
         receipt={"rows": 2}),
    held("receipt_declares_less", G, csv("1,店,x", "2,店,x"), "SHORT_DELIVERY", "1 too many", records=2,
         receipt={"rows": 1}),
    held("receipt_counts_no_total_row", G, csv("1,店,x", "合计,1,", HEADER), "SHORT_DELIVERY",
         "declares 3 records, 1 came",
         records=3, receipt={"rows": 3}),
    held("receipt_without_a_count", G, LIST, "RECEIPT_INVALID", "rows", receipt={"sha256": SHA}),
    held("receipt_with_a_negative_count", G, LIST, "RECEIPT_INVALID", "rows", receipt={"rows": -1}),
]  # fmt: skip
