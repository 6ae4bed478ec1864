"""What the story plays on: a private MariaDB, WordPress under PHP's own server, the real daemon, and people with browsers.

Everything listens on the loopback or on a socket in a temporary folder, and ends with `Stage.close()`.
"""

import html.parser
import http.client
import http.cookiejar
import json
import os
import pathlib
import secrets
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


class Broken(Exception):
    """The stage does not stand, or a check of the story failed."""


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(what, sign, seconds=30.0):
    """Waits until `sign()` is true; its value."""
    deadline = time.monotonic() + seconds
    while True:
        value = sign()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Broken(f"waited {seconds:.0f} s in vain: {what}")
        time.sleep(0.05)


def answers(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


class Process:
    """A server in a process group of its own, so that its workers end with it."""

    def __init__(self, command, log, **options):
        self.log = log
        with open(log, "ab") as out:
            self.child = subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True, **options)

    def stop(self):
        if self.child.poll() is None:
            os.killpg(self.child.pid, signal.SIGTERM)
            try:
                self.child.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(self.child.pid, signal.SIGKILL)
                self.child.wait()

    def running(self):
        if self.child.poll() is not None:
            raise Broken(f"{self.child.args[0]} ended with {self.child.returncode}:\n{tail(self.log)}")
        return True


def tail(path, lines=20):
    text = pathlib.Path(path).read_text(errors="replace") if pathlib.Path(path).exists() else ""
    # An older WordPress under a newer PHP says this of itself, at every request.
    return "\n".join([line for line in text.splitlines() if "PHP Deprecated" not in line][-lines:])


class Database:
    """MariaDB on a socket, in a data folder of its own. It asks for no password: only this user reaches the socket."""

    def __init__(self, folder):
        self.socket = folder / "db.sock"
        data, user = folder / "db", ["--user=root"] if os.geteuid() == 0 else []
        # What would make it safe would make it slow, and it lives for a minute.
        hasty = ["--innodb-flush-log-at-trx-commit=0", "--innodb-log-file-size=16M", "--innodb-buffer-pool-size=64M"]
        made = subprocess.run(
            ["mariadb-install-db", "--no-defaults", f"--datadir={data}", "--skip-test-db", *user, *hasty[1:]],
            capture_output=True, text=True,
        )
        if made.returncode:
            raise Broken(f"mariadb-install-db: {made.stdout}{made.stderr}")
        server = shutil.which("mariadbd") or shutil.which("mariadbd", path="/usr/sbin:/usr/local/sbin")
        self.process = Process(
            [server, "--no-defaults", f"--datadir={data}", f"--socket={self.socket}", "--skip-networking",
             "--skip-grant-tables", f"--pid-file={folder}/db.pid", *user, *hasty],
            folder / "db.log",
        )
        wait_for("MariaDB", lambda: self.process.running() and self._ping())

    def _ping(self):
        return self._client("SELECT 1").returncode == 0

    def _client(self, sql, database=""):
        command = ["mariadb", "--no-defaults", f"--socket={self.socket}", "--batch", "--skip-column-names", database]
        return subprocess.run([word for word in command if word], input=sql, capture_output=True, text=True)

    def rows(self, sql, database=""):
        done = self._client(sql, database)
        if done.returncode:
            raise Broken(f"{sql}: {done.stderr}")
        return [line.split("\t") for line in done.stdout.splitlines()]


class Hamlet:
    """The real daemon, and its commands beside it."""

    def __init__(self, program, folder):
        self.program, self.folder, self.port = str(program), folder, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("HAMLET")},
            "HAMLET_DATA_DIR": str(folder / "hamlet"),
            "HAMLET_LISTEN": f"127.0.0.1:{self.port}",
            "HAMLET_WEBHOOKS__ALLOW_PRIVATE_ADDRESSES": "127.0.0.0/8",
        }
        self.start()

    def start(self):
        self.process = Process([self.program, "serve"], self.folder / "hamlet.log", env=self.environment)
        wait_for("the daemon", lambda: self.process.running() and answers(self.port))

    def stop(self):
        self.process.stop()

    def command(self, *words):
        done = subprocess.run([self.program, *words], capture_output=True, text=True, env=self.environment)
        if done.returncode:
            raise Broken(f"hamlet {' '.join(words)}: {done.stderr}")
        return done.stdout

    def call(self, method, path, key, body=None):
        """A call of the JSON door: status and answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, json.loads(text) if text.startswith(("{", "[")) else text

    def akismet(self, name, fields):
        """A call of the Akismet door: status, headers, text."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", f"/1.1/{name}", urllib.parse.urlencode(fields), form)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, answer.headers, text


class WordPress:
    """A copy of a WordPress with one version of the Akismet plugin, its own database, and PHP's own server."""

    def __init__(self, folder, database, name, original, akismet):
        self.folder, self.database, self.name = folder / name, database, name
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        shutil.copytree(original, self.folder, ignore_dangling_symlinks=True)
        content = self.folder / "wp-content"
        plugin = content / "plugins/akismet"
        if akismet:
            shutil.rmtree(plugin)
            shutil.copytree(akismet, plugin)
        self.plugin_code = (plugin / "class.akismet.php").read_text()
        shutil.copytree(HERE / "theme", content / "themes/stage")
        (content / "mu-plugins").mkdir(exist_ok=True)
        shutil.copy(HERE / "witness.php", content / "mu-plugins")
        database.rows(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        settings = {
            "DB_NAME": name, "DB_USER": "wordpress", "DB_PASSWORD": "", "DB_HOST": f"localhost:{database.socket}",
            "DB_CHARSET": "utf8mb4", "DB_COLLATE": "", "WP_HOME": self.url, "WP_SITEURL": self.url,
            "WP_DEFAULT_THEME": "stage", "WP_DEBUG": True, "WP_DEBUG_DISPLAY": False,
            "WP_DEBUG_LOG": str(self.folder / "debug.log"), "DISABLE_WP_CRON": True, "AUTOMATIC_UPDATER_DISABLED": True,
        }
        for salt in ("AUTH", "SECURE_AUTH", "LOGGED_IN", "NONCE"):
            settings |= {f"{salt}_KEY": secrets.token_hex(32), f"{salt}_SALT": secrets.token_hex(32)}
        lines = [f"define( {json.dumps(key)}, {json.dumps(value)} );" for key, value in settings.items()]
        end = ["$table_prefix = 'wp_';", "defined( 'ABSPATH' ) || define( 'ABSPATH', __DIR__ . '/' );",
               "require_once ABSPATH . 'wp-settings.php';"]
        (self.folder / "wp-config.php").write_text("<?php\n" + "\n".join(lines + end) + "\n")
        self.php = ["php", "-d", f"error_log={self.folder}/debug.log", "-d", "log_errors=1", "-d", "display_errors=0"]
        self.process = Process(
            [*self.php, "-d", "opcache.enable_cli=1", "-d", "opcache.revalidate_freq=0", "-S", f"127.0.0.1:{self.port}",
             "-t", str(self.folder)],
            folder / f"{name}.log",
            # One request waits for the daemon, which meanwhile may call back.
            env={**os.environ, "PHP_CLI_SERVER_WORKERS": "4"},
        )
        wait_for("PHP", lambda: self.process.running() and answers(self.port))

    def version(self):
        """Of the plugin."""
        text = (self.folder / "wp-content/plugins/akismet/akismet.php").read_text()
        return next(line.split(":")[1].strip() for line in text.splitlines() if line.startswith("Version:"))

    def rows(self, sql):
        return self.database.rows(sql, self.name)

    def comment(self, text):
        """Id and status of the comment that holds the text: `1` published, `0` pending, `spam`, `trash`."""
        found = self.rows(f"SELECT comment_ID, comment_approved FROM wp_comments WHERE comment_content LIKE '%{text}%'")
        if len(found) != 1:
            raise Broken(f"{len(found)} comments hold “{text}”")
        return found[0]

    def status(self, number):
        [[status]] = self.rows(f"SELECT comment_approved FROM wp_comments WHERE comment_ID = {number}")
        return status

    def meta(self, number, key):
        return [value for [value] in self.rows(
            f"SELECT meta_value FROM wp_commentmeta WHERE comment_id = {number} AND meta_key = '{key}' ORDER BY meta_id")]

    def scheduled(self):
        [[cron]] = self.rows("SELECT option_value FROM wp_options WHERE option_name = 'cron'")
        return cron

    def run_php(self, code):
        """Runs code inside WordPress, as its scheduler would."""
        code = f"$_SERVER['HTTP_HOST'] = '127.0.0.1:{self.port}'; require '{self.folder}/wp-load.php'; {code}"
        done = subprocess.run([*self.php, "-r", code], capture_output=True, text=True)
        if done.returncode:
            raise Broken(f"php: {done.stdout}{done.stderr}\n{tail(self.folder / 'debug.log')}")
        return done.stdout

    def witnessed(self, what):
        path = self.folder / "witness.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return [entry[what] for entry in map(json.loads, lines) if what in entry]


class Forms(html.parser.HTMLParser):
    """The forms of a page with their fields as a browser would send them, and all links."""

    def __init__(self, page):
        super().__init__()
        self.forms, self.links, self._area, self._select = [], [], None, None
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        has = dict(attributes)
        if tag == "a" and has.get("href"):
            self.links.append(has["href"])
        elif tag == "form":
            self.forms.append((has.get("id") or has.get("action") or "", has.get("action") or "", {}))
        if not self.forms:
            return
        fields, name = self.forms[-1][2], has.get("name")
        if tag == "select":
            self._select = name
        elif tag == "option" and self._select and ("selected" in has or self._select not in fields):
            fields[self._select] = has.get("value") or ""
        elif not name or "disabled" in has:
            return
        elif tag == "textarea":
            self._area, fields[name] = name, ""
        elif tag == "input" and (has.get("type") not in ("checkbox", "radio", "submit", "button") or "checked" in has):
            fields[name] = has.get("value") or ("on" if "checked" in has else "")

    def handle_data(self, data):
        if self._area:
            self.forms[-1][2][self._area] += data

    def handle_endtag(self, tag):
        if tag == "textarea":
            self._area = None
        elif tag == "select":
            self._select = None


class Person:
    """Someone with a browser and an address of his own: WordPress lets an address comment every 15 seconds only."""

    addresses = iter(range(2, 250))

    def __init__(self, wordpress):
        self.wordpress, address = wordpress, f"127.0.0.{next(Person.addresses)}"

        class Http(urllib.request.HTTPHandler):
            def http_open(self, request):
                return self.do_open(http.client.HTTPConnection, request, source_address=(address, 0))

        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self.browser = urllib.request.build_opener(urllib.request.ProxyHandler({}), Http, cookies)
        self.browser.addheaders = [("User-Agent", BROWSER), ("Accept-Language", "en")]

    def open(self, path, fields=None, headers=None):
        """The page after all redirects: status and text."""
        url = urllib.parse.urljoin(self.wordpress.url + "/", path)
        if isinstance(fields, dict):
            fields = urllib.parse.urlencode(fields).encode()
        request = urllib.request.Request(url, fields, headers or {})
        try:
            with self.browser.open(request, timeout=60) as answer:
                return answer.status, answer.read().decode(errors="replace")
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(errors="replace")

    def page(self, path, fields=None):
        """The page, which must be one."""
        status, text = self.open(path, fields)
        if status != 200 or "There has been a critical error" in text:
            raise Broken(f"{path}: {status}\n{text[:500]}\n{tail(self.wordpress.folder / 'debug.log')}")
        return text

    def form(self, path, which):
        """Action and fields of the form with this id or action."""
        page = self.page(path)
        for name, action, fields in Forms(page).forms:
            if which in (name, action):
                return urllib.parse.urljoin(f"{self.wordpress.url}/{path}", action), fields
        raise Broken(f"{path} has no form `{which}`")

    def follow(self, path, *parts):
        """Follows the first link of the page that has all the parts."""
        for link in Forms(self.page(path)).links:
            if all(part in link for part in parts):
                return self.page(urllib.parse.urljoin(f"{self.wordpress.url}/{path}", link))
        raise Broken(f"{path} has no link with {parts}")

    def install(self, password):
        self.page("wp-admin/install.php?step=2", {
            "weblog_title": "Stage", "user_name": "editor-in-chief", "admin_password": password,
            "admin_password2": password, "pw_weak": "on", "admin_email": "chief@stage.example", "language": "",
        })

    def log_in(self, name, password):
        self.page("wp-login.php")
        page = self.page("wp-login.php", {
            "log": name, "pwd": password, "wp-submit": "Log In", "testcookie": "1",
            "redirect_to": f"{self.wordpress.url}/wp-admin/",
        })
        if "adminmenu" not in page:
            raise Broken(f"{name} could not log in")

    def comment(self, author, text, email=None):
        """Fills the comment form of the first post in and sends it: what the browser then shows."""
        action, fields = self.form("?p=1", "commentform")
        email = email or f"{author.lower().replace(' ', '.')}@reader.example"
        fields |= {"author": author, "email": email, "comment": text}
        # What the page's own script would do.
        if "ak_js" in fields:
            fields["ak_js"] = str(int(time.time() * 1000) - 20_000)
        return self.page(action, fields)


class Stage:
    """Everything that is needed once for all versions."""

    def __init__(self, folder, program, original):
        self.folder, self.program, self.original, self.running = folder, program, original, []
        self.database = Database(folder)
        self.running.append(self.database.process)

    def wordpress(self, name, akismet):
        wordpress = WordPress(self.folder, self.database, name, self.original, akismet)
        self.running.append(wordpress.process)
        return wordpress

    def hamlet(self, name):
        folder = self.folder / f"{name}-daemon"
        folder.mkdir()
        hamlet = Hamlet(self.program, folder)
        self.running.append(hamlet)
        return hamlet

    def close(self):
        for process in reversed(self.running):
            process.stop()
        self.running.clear()
