"""PyPI's akismet: the key is in the form; its reports are asked for by GET."""

import asyncio
import datetime

import akismet
import httpx
from checks import BASE, DISCARDING, HAM, HOLDING, SPAM, USUAL, WRONG, check, end

BLOG = "https://pypi.example/"
BY = {"user_ip": "192.0.2.7", "user_agent": "Firefox", "comment_author": "Ann", "comment_author_email": "ann@mail.example"}


def to_the_daemon(request):
    """The client knows no other host than Akismet's: as its users would, lead what it sends elsewhere."""
    request.url = request.url.copy_with(scheme="http", host=httpx.URL(BASE).host, port=httpx.URL(BASE).port)
    return request


class Transport(httpx.HTTPTransport):
    def handle_request(self, request):
        return super().handle_request(to_the_daemon(request))


class AsyncTransport(httpx.AsyncHTTPTransport):
    async def handle_async_request(self, request):
        return await super().handle_async_request(to_the_daemon(request))


# The client's own name and patience: one second.
HTTP = {"headers": {"User-Agent": akismet.USER_AGENT}, "timeout": 1.0}


def client(key=USUAL, blog=BLOG, **http):
    http_client = httpx.Client(transport=Transport(), **HTTP, **http)
    return akismet.SyncClient(config=akismet.Config(key=key, url=blog), http_client=http_client)


# Nobody has called this one spam.
ANOTHER = "The second part explains the gears better than the first one did, at least to somebody who has none."


async def asked_asynchronously():
    http_client = httpx.AsyncClient(transport=AsyncTransport(), **HTTP)
    config = akismet.Config(key=USUAL, url="https://pypi-async.example/")
    async with akismet.AsyncClient(config=config, http_client=http_client) as usual:
        checks = (usual.comment_check(**BY, comment_content=text) for text in (ANOTHER, SPAM))
        return await asyncio.gather(*checks)


HAM_, SPAM_, DISCARD = akismet.CheckResponse.HAM, akismet.CheckResponse.SPAM, akismet.CheckResponse.DISCARD
usual, month = client(), datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m")


def asked(content, client=usual, **fields):
    return lambda: client.comment_check(**{**BY, "comment_content": content, "comment_type": "comment", **fields})


check("a right key", lambda: usual.verify_key(), True)
check("a wrong key", lambda: usual.verify_key(key=WRONG, url=BLOG), False)
check("no blog", lambda: client(blog="").verify_key(), False)
check("a client made with a wrong key", lambda: client(WRONG).__enter__(), akismet.APIKeyError)
check("a check with a wrong key", asked(HAM, client(WRONG)), akismet.APIKeyError)
check("a good comment", asked(HAM), HAM_)
check("spam", asked(SPAM), SPAM_)
check("the name that is always spam", asked(HAM, comment_author="akismet-guaranteed-spam"), SPAM_)
check("the older name that is always spam", asked(HAM, comment_author="viagra-test-123", is_test=True), SPAM_)
check("the address that is always spam", asked(HAM, comment_author_email="akismet-guaranteed-spam@example.com"), SPAM_)
check("the name that is always discarded", asked(HAM, comment_author="viagra-test-discard"), DISCARD)
check("a comment that is discarded", asked(HAM, client(DISCARDING)), DISCARD)
check("a comment that is held", asked(HAM, client(HOLDING)), SPAM_)
check("an administrator", asked(SPAM, user_role="administrator", is_test=True), HAM_)
check("a test", asked(SPAM, is_test=True), SPAM_)
check("a re-check", asked(SPAM, recheck_reason="edit"), SPAM_)
check("missed spam", lambda: usual.submit_spam(**BY, comment_content=HAM), True)
check("a good comment taken for spam", lambda: usual.submit_ham(**BY, comment_content=SPAM), True)
check("a word with a wrong key", lambda: client(WRONG).submit_ham(**BY, comment_content=HAM), akismet.APIKeyError)
check("asked asynchronously", lambda: asyncio.run(asked_asynchronously()), [HAM_, SPAM_])

# The client forgets to send the key with key_sites: the answer is `invalid`, and parameters of the HTTP client cure it.
cured = client(params={"api_key": USUAL})
row = {"site": "pypi.example", "api_calls": "2", "spam": "1", "ham": "1", "missed_spam": "1", "false_positives": "1", "is_revoked": False}
sites = {month: [row], "limit": 500, "offset": 0, "total": 1}
table = f"""Active sites for {USUAL} during {month} (limit:10, offset: 0, total: 1)
Site,Total API Calls,Spam,Ham,Missed Spam,False Positives,Is Revoked
pypi.example,2,1,1,1,1,false
"""
check("key_sites without the key", lambda: usual.key_sites(), akismet.APIKeyError)
check("key_sites", lambda: cured.key_sites(url_filter="pypi.example"), sites)
check("key_sites as a table", lambda: cured.key_sites(url_filter="pypi.example", result_format="csv", limit=10), table)
check("key_sites of another month", lambda: cured.key_sites(month="2020-02", offset=3), {"2020-02": [], "limit": 500, "offset": 3, "total": 0})
check("the cured client and a wrong key", lambda: cured.verify_key(key=WRONG, url=BLOG), False)
check("the cured client's check", lambda: cured.comment_check(**BY, comment_content=SPAM, is_test=True), SPAM_)
usage = {"limit": "none", "usage": 4, "percentage": "0", "throttled": False}
check("usage_limit", lambda: usual.usage_limit(), usage)
check("usage_limit with a wrong key", lambda: client(WRONG).usage_limit(), akismet.APIKeyError)
end("PyPI akismet")
