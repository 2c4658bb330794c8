"""The few answers of a hub: what a model's files are, and each file in whole or in part; some wrong on purpose."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMIT = "4d" * 20


class Hub:
    """A hub at `address` with one model, the files of `folder`."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        self.cut_at: dict[str, int] = {}
        """File → byte after which its connection ends, once."""
        self.down = False
        """Whether files are answered with 503."""
        self.damaged: set[str] = set()
        self.asked: list[tuple[str, str | None]] = []
        """(file, range) of each GET."""
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: object) -> None: ...

            def do_HEAD(self) -> None:
                self.answer(False)

            def do_GET(self) -> None:
                self.answer(True)

            def answer(self, body: bool) -> None:
                path = self.path.partition("?")[0]
                if path == f"/api/models/{hub.name}":
                    self.send(200, json.dumps(hub.listing()).encode(), body)
                elif found := re.fullmatch(f"/{hub.name}/resolve/{COMMIT}/(.+)", path):
                    self.file(found[1], body)
                else:
                    self.send(404, b"{}", body)

            def file(self, name: str, body: bool) -> None:
                if body:
                    hub.asked.append((name, self.headers.get("Range")))
                    if hub.down:
                        return self.send(503, b"", body)
                data = (hub.folder / name).read_bytes()
                if name in hub.damaged:
                    data = data[:-1] + bytes([data[-1] ^ 1])
                begin = 0
                if its := re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or ""):
                    begin = int(its[1])
                part = data[begin:]
                cut = hub.cut_at.pop(name, None) if body else None
                return self.send(206 if begin else 200, part, body, cut)

            def send(self, code: int, data: bytes, body: bool, cut: int | None = None) -> None:
                self.send_response(code)
                self.send_header("Content-Length", str(len(data)))
                self.send_header("X-Repo-Commit", COMMIT)
                self.send_header("ETag", '"0"')
                self.end_headers()
                if body:
                    self.wfile.write(data[:cut])
                if cut is not None:
                    self.close_connection = True

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def listing(self) -> dict:
        """As /api/models/NAME?blobs=true has it: large files by sha256, small ones by git's hash."""
        rows = []
        for path in sorted(path for path in self.folder.rglob("*") if path.is_file()):
            data = path.read_bytes()
            row = {"rfilename": path.relative_to(self.folder).as_posix(), "size": len(data)}
            row["blobId"] = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
            if path.suffix == ".safetensors":
                row["lfs"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}
            rows.append(row)
        return {"_id": "0", "id": self.name, "modelId": self.name, "sha": COMMIT, "siblings": rows, "private": False}

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
