"""A post of Discourse's comes in by its webhook, and the verdict that leaves is verified by PyPI's standardwebhooks."""

import hashlib
import hmac
import http.server
import json
import os
import pathlib
import queue
import threading
import urllib.error
import urllib.request

from checks import BASE, FORUM, check, command, end
from standardwebhooks import Webhook, WebhookVerificationError

SECRET = os.environ["HAMLET_HOOKS__DISCOURSE__SECRET"].encode()
told = queue.Queue()


class Receiver(http.server.BaseHTTPRequestHandler):
    """The forum's own end: keeps what it is told."""

    def do_POST(self):
        told.put((dict(self.headers), self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


def recorded():
    """Path, headers and body of the recorded message, signed with our secret."""
    head, body, _ = pathlib.Path("tests/data/hooks/discourse-post-created.txt").read_text().split("\n\n", 2)
    head = head.replace("{hmac}", hmac.new(SECRET, body.encode(), hashlib.sha256).hexdigest())
    path, *headers = head.split("\n")
    return path, dict(line.split(": ", 1) for line in headers), body.encode()


def ask(path, headers, body=None):
    """Status and JSON of an answer."""
    try:
        with urllib.request.urlopen(urllib.request.Request(BASE + path, body, headers), timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refusal:
        return refusal.code, json.load(refusal)


def comment_of(id):
    return ask(f"/v1/comments/{id}", {"Authorization": f"Bearer {FORUM}"})[1]


receiver = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=receiver.serve_forever, daemon=True).start()
endpoint = command("endpoint", "add", "--site", "forum", f"http://127.0.0.1:{receiver.server_port}/hamlet")

path, headers, body = recorded()
status, answer = ask(path, headers, body)
check("the post is taken", lambda: (status, answer["status"]), (202, "queued"))
check("a forged post is not", lambda: ask(path, headers, body.replace(b"Ann", b"Bob"))[0], 401)

headers, message = told.get(timeout=30)
webhook = Webhook(endpoint["secret"])
event = json.loads(message)
check("the verdict is believed", lambda: webhook.verify(message, headers), event)
check("another body is not", lambda: webhook.verify(message + b" ", headers), WebhookVerificationError)
check("nor another time", lambda: webhook.verify(message, {**headers, "webhook-timestamp": "1"}), WebhookVerificationError)
stranger = Webhook("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")
check("nor by another secret", lambda: stranger.verify(message, headers), WebhookVerificationError)
check("what it is", lambda: (event["type"], event["data"]["id"], event["data"]["external_id"]), ("comment.decided", answer["id"], "79563"))
check("what it says", lambda: event["data"]["verdict"]["decision"], "approve")
check("the same is kept", lambda: event["data"]["verdict"], comment_of(answer["id"])["verdict"])

# While a secret is changed, both the old one and the new one are good.
new = command("endpoint", "rotate-secret", endpoint["id"])["secret"]
command("endpoint", "test", endpoint["id"])
headers, message = told.get(timeout=30)
for which, secret in (("new", new), ("old", endpoint["secret"])):
    check(f"the {which} secret", lambda: Webhook(secret).verify(message, headers)["type"], "delivery.test")
end("PyPI standardwebhooks, with a post of Discourse's")
