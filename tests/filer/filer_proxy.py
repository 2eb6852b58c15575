"""An HTTP proxy in front of a filer that does to requests what a rule says.

A rule is a function of method and path. It returns None to pass the request on, or one of

    "refuse"        answer 500, and pass nothing on
    "cut"           close the connection, and pass nothing on
    "lose"          pass it on, and close the connection in place of the answer
    ("hold", event) pass it on when the event is set, and answer then
"""

import http.client
import select
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FilerProxy:
    """A proxy on a port of its own. `asked` has (method, path) of all that came, `done` of what was passed on."""

    def __init__(self, filer, tls=None):
        self.filer = filer
        self.rule = None
        self.asked = []
        self.done = []
        self._connected = 0
        self._lock = threading.Lock()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _handle(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                proxy.asked.append((self.command, self.path))
                rule = proxy.rule and proxy.rule(self.command, self.path)
                if rule == "refuse":
                    return self._answer(500, {}, b"")
                if rule == "cut":
                    return self._close()
                if isinstance(rule, tuple):
                    rule[1].wait(60)
                status, headers, content = self._pass_on(body)
                if rule == "lose":
                    return self._close()
                return self._answer(status, headers, content)

            do_GET = do_PUT = do_DELETE = do_POST = _handle

            def _pass_on(self, body):
                host, port = proxy.filer.rsplit(":", 1)
                connection = http.client.HTTPConnection(host, int(port), timeout=30)
                kept = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "connection")}
                connection.request(self.command, self.path, body, kept)
                answer = connection.getresponse()
                content = answer.read()
                connection.close()
                proxy.done.append((self.command, self.path))
                return answer.status, dict(answer.getheaders()), content

            def _answer(self, status, headers, content):
                self.send_response(status)
                for name in ("Content-Type", "Last-Modified"):
                    if name in headers:
                        self.send_header(name, headers[name])
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def _close(self):
                self.close_connection = True
                self.connection.close()

            def handle(self):
                try:
                    super().handle()
                except (OSError, ValueError):
                    pass  # the client has left, or the rule has closed the connection

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def get_request(self):
                with proxy._lock:
                    request = super().get_request()
                    proxy._connected += 1
                return request

            def process_request_thread(self, request, client_address):
                try:
                    super().process_request_thread(request, client_address)
                finally:
                    with proxy._lock:
                        proxy._connected -= 1

        self._server = Server(("127.0.0.1", 0), Handler)
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def is_left(self):
        """True if nobody is connected: then no request is on its way, not even one that has not been read yet."""
        with self._lock:
            waiting, _, _ = select.select([self._server.socket], [], [], 0)
            return not waiting and self._connected == 0

    def close(self):
        self._server.shutdown()
        self._server.server_close()


def nth(count, method, end, action):
    """A rule for the nth request of that method whose path ends so."""
    lock, seen = threading.Lock(), [0]

    def rule(asked, path):
        if asked != method or not path.split("?")[0].endswith(end):
            return None
        with lock:
            seen[0] += 1
            return action if seen[0] == count else None

    return rule


def every(method, end, action):
    """A rule for every request of that method whose path ends so."""
    return lambda asked, path: action if asked == method and path.split("?")[0].endswith(end) else None
