"""`/wiki/{source}/_files/...`: pictures and files of pages, from the store. Other bytes have another address.

They are strangers' files on the wiki's own origin. So only pictures are shown, each as what its bytes say it is;
everything else is for saving. Should a browser show one of them all the same, it may run nothing and fetch nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import RawIOBase
from typing import Annotated
from urllib.parse import quote

import pyarrow.compute as pc
from fastapi import APIRouter, Path, Request
from fastapi.responses import Response, StreamingResponse
from starlette.convertors import Convertor, register_url_convertor

from wiki_pipeline.gateway import conditional
from wiki_pipeline.gateway.errors import PageNotFound
from wiki_pipeline.gateway.pages.wiki import Responses, Slug
from wiki_pipeline.gateway.services import Serving
from wiki_pipeline.links.files import FOLDER, PICTURES
from wiki_pipeline.model import Stage

_PIECE = 262_144
_HASH = re.compile(r"[0-9a-f]{32}")
_HARMLESS = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; sandbox"
)
_ANSWERS: Responses = {
    200: {"content": {"application/octet-stream": {}}, "description": "The file, as the media type that it is."},
    304: {"description": "The file is as the asker has it (`If-None-Match`)."},
    404: {"content": {"text/html": {}}, "description": "There is no such file."},
}


class _FileName(Convertor[str]):
    """The rest of an address, whatever people called a file: slashes and line breaks included."""

    regex = "(?s:.+)"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


_FILE_NAME = "file_name"
register_url_convertor(_FILE_NAME, _FileName())
router = APIRouter(tags=["wiki"], default_response_class=Response)


@router.get(
    f"/wiki/{{slug}}/{FOLDER}/{{file_hash}}/{{name:{_FILE_NAME}}}", summary="Get a picture or file", responses=_ANSWERS
)
def file(
    request: Request,
    serving: Serving,
    slug: Slug,
    file_hash: Annotated[str, Path(max_length=200, description="Hash of its bytes, as pages of the wiki link it.")],
    name: Annotated[str, Path(max_length=1_000, description="Its name.")],
) -> Response:
    """A picture or file that a page shows or links: pictures to be shown, all else to be saved."""
    record = serving.reader.source_at(slug)
    if record is None or not _HASH.fullmatch(file_hash):
        raise PageNotFound
    table = serving.store.table(Stage.ATTACHMENTS, record.key)
    desired = (pc.field("file_hash") == file_hash) & (pc.field("title") == name)
    found = table.open_blob("data", desired, ["media_type", "size"])
    if found is None:
        raise PageNotFound
    blob, row = found
    answer = conditional.unless_known(
        request,
        ("file", file_hash, name, row["media_type"]),
        lambda: _answer(blob, name, row["media_type"], row["size"]),
    )
    if answer.status_code == 304:
        blob.close()
    return answer


def _answer(blob: RawIOBase, name: str, media_type: str, size: int) -> Response:
    shown = "inline" if media_type in PICTURES else "attachment"
    headers = {
        "content-length": str(size),
        "content-disposition": f"{shown}; filename*=UTF-8''{quote(name, safe='')}",
        "content-security-policy": _HARMLESS,
        "content-type": media_type,
    }
    return StreamingResponse(_pieces(blob), headers=headers)


def _pieces(blob: RawIOBase) -> Iterator[bytes]:
    with blob:
        while piece := blob.read(_PIECE):
            yield piece
