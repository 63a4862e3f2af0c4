"""What `speedtest-cli --mini` expects of a server, and an offline speedtest-cli, for the comparison.

mini.py serve               writes its port, then serves
mini.py measure URL         writes one line of JSON: bits per second down and up, bytes, memory
"""

import importlib
import json
import os
import re
import resource
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

speedtest: Any = importlib.import_module("speedtest")

SIZES = {
    350: 245388, 500: 505544, 750: 1118012, 1000: 1986284, 1500: 4468241, 2000: 7907740, 2500: 12407926,
    3000: 17816816, 3500: 24262167, 4000: 31625365,
}  # fmt: skip
"""Bytes of the pictures that Ookla's servers give, by the length of their side."""

SECONDS = 10


class Mini(BaseHTTPRequestHandler):
    """The four addresses of Speedtest Mini."""

    noise = os.urandom(1 << 16)

    def do_GET(self) -> None:
        picture = re.search(r"random(\d+)x", self.path)
        if picture:
            self.give(SIZES[int(picture[1])])
        elif "latency.txt" in self.path:
            self.say(b"test=test\n")
        else:
            self.say(b'upload_extension: "php"')

    def do_POST(self) -> None:
        left = int(self.headers["Content-Length"])
        told = b"size=%d" % left
        while left > 0 and (piece := self.rfile.read1(min(left, 1 << 16))):
            left -= len(piece)
        self.say(told)

    def give(self, length: int) -> None:
        self.head(length)
        while length > 0:
            self.wfile.write(self.noise[:length])
            length -= len(self.noise)

    def say(self, words: bytes) -> None:
        self.head(len(words))
        self.wfile.write(words)

    def head(self, length: int) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


class Quiet(ThreadingHTTPServer):
    """Says nothing of clients that leave in the middle, as speedtest-cli does."""

    def handle_error(self, request: object, client_address: object) -> None:
        pass


class Offline(speedtest.Speedtest):  # type: ignore[misc]  # the library has no types
    """Asks nobody for a configuration: that of speedtest.net, as it stood."""

    def get_config(self) -> dict[str, object]:
        upload = [32768, 65536, 131072, 262144, 524288, 1048576, 7340032][4:]
        self.config = {
            "client": {"ip": "127.0.0.1", "lat": "0", "lon": "0", "isp": "", "country": ""},
            "ignore_servers": [],
            "sizes": {"upload": upload, "download": list(SIZES)},
            "counts": {"upload": 30, "download": 4},
            "threads": {"upload": 2, "download": 8},
            "length": {"upload": SECONDS, "download": SECONDS},
            "upload_max": 90,
        }
        self.lat_lon = (0.0, 0.0)
        return self.config


def main() -> None:
    if sys.argv[1] == "serve":
        server = Quiet(("0.0.0.0", 0), Mini)  # noqa: S104 – in a namespace of its own
        print(server.server_port, flush=True)
        server.serve_forever()
    test = Offline()
    test.get_best_server(test.set_mini_server(sys.argv[2]))
    found = {"down": test.download(), "up": test.upload(pre_allocate=True)}
    found["bytes"] = max(test.results.bytes_received, test.results.bytes_sent)
    found["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps(found))


if __name__ == "__main__":
    main()
