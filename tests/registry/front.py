"""What stands before many registries: HTTPS with a certificate of the company's own, and a password."""

import base64
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import requests


class Front:
    """A server that passes requests on to `target` if they come with `user`.

    The first `busy` of them are told that they are too many.
    """

    def __init__(self, target: str, user: str, directory: Path, busy: int = 0):
        self.ca_file = directory / "ca.pem"
        certificate = _certificate(self.ca_file, directory)
        expected = "Basic " + base64.b64encode(user.encode()).decode()

        refused = iter(range(busy))

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _pass_on(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if self.headers.get("Authorization") != expected:
                    status, kind, content = 401, "text/html", b"<html>no</html>"
                elif next(refused, None) is not None:
                    status, kind, content = 429, "text/plain", b"later"
                else:
                    headers = {"Content-Type": self.headers.get("Content-Type", "application/json")}
                    answer = requests.request(
                        self.command, target + self.path, data=body, headers=headers, timeout=30
                    )
                    status, kind = answer.status_code, answer.headers.get("Content-Type", "")
                    content = answer.content
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_DELETE = _pass_on

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://localhost:{self._server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


def _certificate(ca_file: Path, directory: Path) -> Path:
    """A file with a key and a certificate for localhost that `ca_file` vouches for."""
    key, request, leaf = directory / "key.pem", directory / "request.pem", directory / "leaf.pem"
    ca_key, extensions = directory / "ca-key.pem", directory / "extensions"
    extensions.write_text("subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n")
    new = ["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    for command in (
        [*new, "-x509", "-subj", "/CN=test CA", "-keyout", ca_key, "-out", ca_file, "-days", "2"],
        [*new, "-subj", "/CN=localhost", "-keyout", key, "-out", request],
        ["openssl", "x509", "-req", "-in", request, "-CA", ca_file, "-CAkey", ca_key, "-days", "2"]
        + ["-CAcreateserial", "-extfile", extensions, "-out", leaf],
    ):
        subprocess.run(list(map(str, command)), check=True, capture_output=True)
    both = directory / "both.pem"
    both.write_text(key.read_text() + leaf.read_text())
    return both
