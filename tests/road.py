#!/usr/bin/env python3
"""The whole road with real comments: post them over HTTP, kill the daemon in the middle, count what the CMS heard.

    tests/road.py DATA_DIR [--hamlet target/release/hamlet] [--part dev] [--kills 1] [--json FILE]

DATA_DIR holds labelled sets as NAME.PART.jsonl.gz (one JSON object a line: id, label, content, author, …). Every row
is posted to /v1/comments of a real `hamlet serve` with an empty data folder. A receiver on the loopback checks each
webhook's signature with Python's own hmac, never with Hamlet's code. In the middle the daemon is killed with SIGKILL
and started again. At the end it must hold that

  * every comment answered 202 has exactly one decision,
  * the receiver has been told that decision, under one webhook-id, with a valid signature.

Prints the confusion table by set and exits 0 only if nothing was lost. Python's standard library is all it needs.
"""

import argparse
import base64
import collections
import gzip
import hashlib
import hmac
import http.client
import http.server
import json
import math
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

# Sets, and which of their labels are read as spam or ham. Others are left out.
SETS = {
    "tubespam": {"spam": "spam", "ham": "ham"},
    "blog_django_cast": {"spam": "spam", "ham": "ham"},
    "ar_spam_tweets": {"spam": "spam", "ham": "ham"},
    "ar_lowquality": {"spam": "spam"},
    "ar_osact2020": {"ok": "ham"},
}


def rows(folder, part):
    for name, labels in SETS.items():
        with gzip.open(folder / f"{name}.{part}.jsonl.gz", "rt", encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                if row["label"] in labels:
                    yield name, labels[row["label"]], row


class Receiver:
    """A CMS: keeps what it was told, by comment, and how often a signature was wrong."""

    def __init__(self):
        self.secret = b""
        self.told = collections.defaultdict(dict)  # comment id -> webhook-id -> decision
        self.bad = 0
        self.lock = threading.Lock()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.hear(self.headers, body)
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/told"

    def hear(self, headers, body):
        message_id, stamp = headers["webhook-id"], headers["webhook-timestamp"]
        signed = f"{message_id}.{stamp}.".encode() + body
        expected = "v1," + base64.b64encode(hmac.new(self.secret, signed, hashlib.sha256).digest()).decode()
        is_signed = any(hmac.compare_digest(expected, one) for one in headers["webhook-signature"].split(" "))
        is_fresh = abs(time.time() - int(stamp)) < 300
        with self.lock:
            if not (is_signed and is_fresh):
                self.bad += 1
                return
            event = json.loads(body)
            if event["type"] == "comment.decided":
                self.told[event["data"]["id"]][message_id] = event["data"]["verdict"]["decision"]

    def set_secret(self, text):
        self.secret = base64.b64decode(text.removeprefix("whsec_"))


class Daemon:
    """A real `hamlet serve` on a folder of its own."""

    def __init__(self, program, folder):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.program = str(program)
        self.environment = os.environ | {
            "HAMLET_DATA_DIR": str(folder),
            "HAMLET_LISTEN": f"127.0.0.1:{self.port}",
            "HAMLET_WEBHOOKS__ALLOW_PRIVATE_ADDRESSES": "true",
        }
        self.process = None

    def start(self):
        self.process = subprocess.Popen(
            [self.program, "serve"], env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        started = time.monotonic()
        while time.monotonic() - started < 30:
            if self.process.poll() is not None:
                sys.exit(f"the daemon stopped at once with exit code {self.process.returncode}")
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
                connection.request("GET", "/readyz")
                if connection.getresponse().status == 200:
                    return time.monotonic() - started
            except OSError:
                pass
            time.sleep(0.01)
        sys.exit("the daemon was not ready within 30 s")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)

    def command(self, *arguments):
        done = subprocess.run([self.program, *arguments, "--json"], env=self.environment, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"hamlet {' '.join(arguments)}: {done.stderr}")
        return json.loads(done.stdout)


class Poster(threading.Thread):
    """Posts its share of the rows over one connection; after a failure it posts the row again."""

    def __init__(self, port, key, share, acknowledged):
        super().__init__(daemon=True)
        self.port, self.key, self.share, self.acknowledged = port, key, share, acknowledged
        self.again = 0

    def run(self):
        connection = None
        for number, (name, label, row) in self.share:
            body = {"content": row["content"], "lang": row.get("lang"), "external_id": f"{name}/{row['id']}"}
            if row.get("author"):
                body["author"] = {"name": row["author"]}
            payload = json.dumps({key: value for key, value in body.items() if value is not None})
            while True:
                try:
                    connection = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
                    headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
                    connection.request("POST", "/v1/comments", payload, headers)
                    answer = connection.getresponse()
                    text = answer.read()
                    if answer.status in (200, 202):
                        self.acknowledged[number] = (json.loads(text)["id"], name, label)
                        break
                    if answer.status not in (429, 503):
                        sys.exit(f"{name}/{row['id']}: {answer.status} {text!r}")
                except (OSError, http.client.HTTPException):
                    connection = None
                self.again += 1
                time.sleep(0.05)


def wilson(hits, n):
    """95 % interval of a share (Wilson 1927)."""
    if n == 0:
        return 0.0, 1.0
    z, p = 1.959964, hits / n
    middle, spread = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return (middle - spread) / (1 + z * z / n), (middle + spread) / (1 + z * z / n)


def table(judged):
    lines = [f"{'set':<18}{'label':<6}{'n':>6}{'approve':>9}{'hold':>6}{'spam':>6}{'discard':>9}   not approved, 95 % interval"]
    for (name, label), counts in sorted(judged.items()):
        n = sum(counts.values())
        stopped = n - counts["approve"]
        low, high = wilson(stopped, n)
        what = "caught spam" if label == "spam" else "blocked ham"
        lines.append(
            f"{name:<18}{label:<6}{n:>6}{counts['approve']:>9}{counts['hold']:>6}{counts['spam']:>6}{counts['discard']:>9}"
            f"   {what} {stopped / n:6.1%}  [{low:.1%}, {high:.1%}]"
        )
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--hamlet", type=pathlib.Path, default=pathlib.Path("target/release/hamlet"))
    parser.add_argument("--part", default="dev")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--kills", type=int, default=1, help="how often the daemon is killed on the way")
    parser.add_argument("--json", type=pathlib.Path, help="also write the counts here")
    options = parser.parse_args()

    everything = list(enumerate(rows(options.data, options.part)))
    with tempfile.TemporaryDirectory(prefix="hamlet-road-") as folder:
        receiver, daemon = Receiver(), Daemon(options.hamlet, folder)
        ready = daemon.start()
        key = daemon.command("site", "add", "road", "--url", "https://road.example/")["api_key"]
        receiver.set_secret(daemon.command("endpoint", "add", "--site", "road", receiver.url)["secret"])
        time.sleep(1.0)  # a running daemon knows a new site within a second

        acknowledged, started = {}, time.monotonic()
        shares = [everything[part :: options.connections] for part in range(options.connections)]
        posters = [Poster(daemon.port, key, share, acknowledged) for share in shares]
        for poster in posters:
            poster.start()
        for kill in range(options.kills):
            target = len(everything) * (kill + 1) // (options.kills + 1)
            while len(acknowledged) < target:
                time.sleep(0.001)
            daemon.kill()
            print(f"killed with SIGKILL at {len(acknowledged)} of {len(everything)} acknowledged", flush=True)
            daemon.start()
        for poster in posters:
            poster.join()
        posted = time.monotonic() - started

        ids = [identity for identity, _, _ in acknowledged.values()]
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline:
            waiting = daemon.command("queue", "status")
            if waiting["decisions"] == 0 and waiting["deliveries"] == 0:
                break
            time.sleep(0.5)

        judged, problems = collections.defaultdict(collections.Counter), []
        connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=30)
        for identity, name, label in acknowledged.values():
            connection.request("GET", f"/v1/comments/{identity}", headers={"Authorization": f"Bearer {key}"})
            answer = connection.getresponse()
            stored = json.loads(answer.read())
            told = receiver.told.get(identity, {})
            if answer.status != 200 or stored.get("status") != "decided":
                problems.append(f"{identity} is {stored.get('status')} ({answer.status})")
            elif len(told) != 1:
                problems.append(f"{identity} was told under {len(told)} message ids")
            elif set(told.values()) != {stored["verdict"]["decision"]}:
                problems.append(f"{identity} was told {told}, stored {stored['verdict']['decision']}")
            else:
                judged[name, label][stored["verdict"]["decision"]] += 1
        exit_code = daemon.stop()

    again = sum(poster.again for poster in posters)
    print(table(judged))
    print(
        f"{len(everything)} rows, {len(set(ids))} comments acknowledged, {again} requests sent again, "
        f"{len(receiver.told)} told, {receiver.bad} bad signatures, ready after {ready * 1000:.0f} ms, "
        f"posted in {posted:.1f} s, SIGTERM exit code {exit_code}"
    )
    for problem in problems[:20]:
        print("LOST:", problem)
    if options.json:
        options.json.write_text(json.dumps({f"{name} {label}": dict(counts) for (name, label), counts in judged.items()}))
    is_whole = not problems and len(set(ids)) == len(everything) and receiver.bad == 0 and exit_code == 0
    print("nothing lost" if is_whole else "SOMETHING WAS LOST")
    sys.exit(0 if is_whole else 1)


if __name__ == "__main__":
    main()
