"""A hub of weights on this machine: files by path, and the checksum of a file in the header of a redirection."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Asked = list[tuple[str, str]]


@contextmanager
def hub(files: Mapping[str, bytes], checksums: Mapping[str, str] | None = None) -> Iterator[tuple[str, Asked]]:
    """Its address and, as it goes, what was asked of it: (method, path).

    A HEAD is answered as a hub for large files does, with a redirection that carries the file's SHA-256, or what
    ``checksums`` says in its place; none where that is empty.
    """
    asked: Asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(("GET", self.path))
            if self.path not in files:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(files[self.path])))
            self.end_headers()
            self.wfile.write(files[self.path])

        def do_HEAD(self) -> None:
            asked.append(("HEAD", self.path))
            if self.path not in files:
                self.send_error(404)
                return
            checksum = (checksums or {}).get(self.path, f'"{hashlib.sha256(files[self.path]).hexdigest()}"')
            self.send_response(302)
            self.send_header("Location", "/elsewhere")
            if checksum:
                self.send_header("X-Linked-Etag", checksum)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{running.server_address[1]}", asked
    finally:
        running.shutdown()
        running.server_close()
        thread.join()
