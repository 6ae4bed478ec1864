"""What the scripts for Python's clients share: where the daemon is, a table of checks, and commands beside the daemon."""

import json
import os
import subprocess
import sys

PORT = int(os.environ["DAEMON_PORT"])
BASE = f"http://127.0.0.1:{PORT}"
USUAL, HOLDING, DISCARDING = (os.environ[f"KEY_{site}"] for site in ("USUAL", "HOLDING", "DISCARDING"))
FORUM = os.environ["KEY_FORUM"]
WRONG = "000000000000"

HAM = "I changed the bottom bracket last week, as you advised, and the noise is gone. Thank you all!"
SPAM = "Buy cheap viagra online casino bonus [url=http://casino.example]casino[/url] https://bit.ly/x"

done, failed = 0, 0


def check(what, ask, expected):
    """Compares what `ask` returns with `expected`; of what it raises, the class."""
    global done, failed
    try:
        found = ask()
    except Exception as error:
        found = type(error)
    done += 1
    if found != expected:
        failed += 1
        print(f"  {what}: found {found!r}, expected {expected!r}", file=sys.stderr)


def command(*arguments):
    """What a command beside the daemon says, as JSON."""
    said = subprocess.run([os.environ["DAEMON_PROGRAM"], *arguments, "--json"], check=True, capture_output=True)
    return json.loads(said.stdout)


def end(client):
    print(f"{client}: {done - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)
