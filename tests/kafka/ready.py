"""Waits until a Kafka broker answers a Metadata request with at least one broker.

    ready.py PORT TIMEOUT_SECONDS

An open port is not enough: a broker accepts connections before it has
registered itself, and a client that connects then learns of an empty cluster.
"""

import socket
import struct
import sys
import time

# Metadata v1, correlation id 1, client id "ready", an empty topic list.
_REQUEST = struct.pack(">hhih5si", 3, 1, 1, 5, b"ready", 0)


def _read_exactly(connection: socket.socket, count: int) -> bytes:
    parts = b""
    while len(parts) < count:
        more = connection.recv(count - len(parts))
        if not more:
            raise ConnectionError("closed")
        parts += more
    return parts


def broker_count(port: int) -> int:
    """The number of brokers that the server on `port` knows of."""
    with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
        connection.sendall(struct.pack(">i", len(_REQUEST)) + _REQUEST)
        (length,) = struct.unpack(">i", _read_exactly(connection, 4))
        body = _read_exactly(connection, length)
        return struct.unpack_from(">i", body, 4)[0]


def main() -> int:
    port, timeout_s = int(sys.argv[1]), float(sys.argv[2])
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        try:
            if broker_count(port) > 0:
                return 0
        except OSError:
            pass
        time.sleep(0.1)
    print(f"no broker on port {port} after {timeout_s:g} s", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
