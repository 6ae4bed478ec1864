#!/usr/bin/env python3
"""A receiver of Hamlet's webhooks: verifies each message and prints what it says. Python's standard library is enough.

    HAMLET_SECRET=whsec_… python3 receiver.py [PORT]

During a rotation both secrets may be given, parted by a blank. A real receiver keeps the ids that it has seen in its
database, in the transaction that does what the message says: messages come at least once, and in any order.
"""

import base64
import hashlib
import hmac
import http.server
import json
import os
import sys
import time

TOLERANCE = 5 * 60  # seconds that the sender's clock may differ from ours
LARGEST = 1 << 20  # bytes of a body


def is_believed(secrets, headers, body):
    """Whether somebody who knows one of the secrets sent these bytes, and lately (Standard Webhooks 1.0.0)."""
    message_id, sent_at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not sent_at.isdigit() or abs(time.time() - int(sent_at)) > TOLERANCE:
        return False
    signed = f"{message_id}.{sent_at}.".encode() + body
    for secret in secrets:
        key = base64.b64decode(secret.removeprefix("whsec_"))
        expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        for given in headers.get("webhook-signature", "").split():
            if hmac.compare_digest(expected.encode(), given.encode()):
                return True
    return False


class Receiver(http.server.BaseHTTPRequestHandler):
    secrets = os.environ.get("HAMLET_SECRET", "").split()
    seen = set()

    def do_POST(self):
        length = int(self.headers.get("content-length") or 0)
        if length > LARGEST:
            return self.answer(413)
        body = self.rfile.read(length)
        if not is_believed(self.secrets, self.headers, body):
            return self.answer(401)
        message_id = self.headers["webhook-id"]
        if message_id not in self.seen:
            self.act_on(json.loads(body))
            self.seen.add(message_id)
        # Also for one that was known: it has arrived. Any 2xx will do, and soon: do slow work afterwards.
        return self.answer(204)

    def act_on(self, event):
        data = event["data"]
        verdict = data.get("verdict") or {}
        print(event["type"], data.get("external_id") or data.get("id"), verdict.get("decision"), verdict.get("reason"))
        sys.stdout.flush()

    def answer(self, status):
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    if not Receiver.secrets:
        sys.exit("HAMLET_SECRET is not set: `hamlet endpoint add` prints it once")
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8421
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Receiver)
    print(f"listening on http://127.0.0.1:{server.server_address[1]}/", flush=True)
    server.serve_forever()
