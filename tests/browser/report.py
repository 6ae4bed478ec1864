#!/usr/bin/env python3
"""The report of `hamlet evaluate` in a real browser, by the standard library alone (WebDriver over HTTP).

    report.py HAMLET CHROMIUM CHROMEDRIVER [--shots FOLDER [DUMP…]]

Builds reports of tests/data/training/comments.tsv and opens them as a phone and as a desk would: nothing reaches beyond the
page's edge, the slider changes the numbers, no word on the console, nothing asked of the network. --shots keeps
pictures, to be looked at.
"""

import base64
import contextlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request


class Browser:
    """One window of Chromium, driven over WebDriver."""

    def __init__(self, driver, chromium, width, scheme="light"):
        self.sessions = driver + "/session"
        options = {
            "binary": chromium,
            "args": ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--hide-scrollbars",
                     # The browser's own calls home are not the page's.
                     "--disable-background-networking", "--disable-component-update", "--no-first-run"],
            "mobileEmulation": {"deviceMetrics": {"width": width, "height": 780, "pixelRatio": 2, "mobile": width < 600}},
        }
        capabilities = {"browserName": "chrome", "goog:chromeOptions": options,
                        "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}
        started = self.call("POST", "", {"capabilities": {"alwaysMatch": capabilities}})
        self.sessions += "/" + started["sessionId"]
        self.devtools("Emulation.setEmulatedMedia",
                      features=[{"name": "prefers-color-scheme", "value": scheme}])

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.sessions + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise SystemExit(f"WebDriver: {error.read().decode()[:500]}") from error

    def devtools(self, command, **parameters):
        return self.call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def run(self, script):
        return self.call("POST", "/execute/sync", {"script": script, "args": []})

    def log(self, kind):
        return self.call("POST", "/se/log", {"type": kind})

    def shot(self, file):
        size = self.devtools("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        picture = self.devtools("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
        file.write_bytes(base64.b64decode(picture["data"]))

    def close(self):
        self.call("DELETE", "")


@contextlib.contextmanager
def driven(chromedriver):
    """A chromedriver on a port of its own; its address."""
    process = subprocess.Popen([chromedriver, "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        port = None
        for line in process.stdout:
            if found := re.search(r"started successfully on port (\d+)", line):
                port = found[1]
                break
        assert port, "chromedriver did not start"
        threading.Thread(target=process.stdout.read, daemon=True).start()
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def check(browser, page, says):
    """Opens the page, tries it, and returns the console's lines and the addresses that were asked for."""
    browser.call("POST", "/url", {"url": page})
    wide, window = browser.run("return [document.documentElement.scrollWidth, window.innerWidth]")
    assert wide <= window, f"{says}: the page is {wide} px wide in a window of {window}"
    beyond = browser.run("""
        const width = window.innerWidth;
        return [...document.querySelectorAll("main *:not(.wide *):not(svg *)")]
            .filter(it => it.getBoundingClientRect().right > width + 1 || it.getBoundingClientRect().left < -1)
            .map(it => it.outerHTML.slice(0, 120));""")
    assert not beyond, f"{says}: beyond the edge: {beyond}"
    shown = "return ['at', 'caught', 'blocked', 'precision'].map(id => document.getElementById(id).textContent)"
    before = browser.run(shown)
    assert before[0] == "0.50" and all("%" in text for text in before[1:]), f"{says}: {before}"
    dot = "return document.getElementById('roc-now').getAttribute('cx')"
    place = browser.run(dot)
    # As a finger would: the input says that it changed.
    slide = """const slider = document.getElementById("threshold"); slider.value = %s;
               slider.dispatchEvent(new Event("input", {bubbles: true}))"""
    browser.run(slide % 0)
    after = browser.run(shown)
    assert after[0] == "0.001" and after != before, f"{says}: the slider changed nothing: {before} {after}"
    caught, blocked = ([float(numbers[at].rstrip(" %")) for numbers in (before, after)] for at in (1, 2))
    assert caught[0] <= caught[1] and blocked[0] < blocked[1], f"{says}: a lower threshold blocks more: {before} {after}"
    assert browser.run(dot) != place, f"{says}: the dot on the curve stays"
    browser.run(slide % 70)
    assert browser.run(shown) == before, f"{says}: the slider does not find back"
    console = [line["message"] for line in browser.log("browser")]
    assert not console, f"{says}: the console says {console}"
    asked = set()
    for entry in browser.log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            asked.add(message["params"]["request"]["url"])
    asked -= {page, "data:,"}
    assert not asked, f"{says}: the page asked for {asked}"


def main():
    hamlet, chromium, chromedriver, *rest = sys.argv[1:]
    shots = pathlib.Path(rest[1]) if rest[:1] == ["--shots"] else None
    dumps = rest[2:]
    with tempfile.TemporaryDirectory() as folder, driven(chromedriver) as driver:
        folder = pathlib.Path(folder)
        if not dumps:
            dump = folder / "comments.tsv"
            source = pathlib.Path("tests/data/training/comments.tsv").read_text(encoding="utf-8")
            dump.write_text("label\tcontent\n" + source, encoding="utf-8")
            dumps = [str(dump)]
        for language, direction in [("en", "ltr"), ("ar", "rtl")]:
            page = folder / f"{language}.html"
            command = [hamlet, "evaluate", *dumps, "--report", str(page), "--report-lang", language, "--show-texts"]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={"PATH": os.environ["PATH"]})
            for width, scheme in [(360, "light"), (360, "dark"), (1280, "light"), (1280, "dark")]:
                browser = Browser(driver, chromium, width, scheme)
                try:
                    says = f"{language}, {width} px, {scheme}"
                    check(browser, page.as_uri(), says)
                    facts = browser.run("return [document.dir, getComputedStyle(document.body).backgroundColor]")
                    dark = sum(map(int, re.findall(r"\d+", facts[1])[:3])) < 300
                    assert facts[0] == direction and dark == (scheme == "dark"), f"{says}: {facts}"
                    if shots:
                        browser.run("document.querySelectorAll('details').forEach(it => it.open = true)")
                        browser.shot(shots / f"{language}-{width}-{scheme}.png")
                finally:
                    browser.close()
                print(f"report in a browser, {says}: ok")


if __name__ == "__main__":
    main()
