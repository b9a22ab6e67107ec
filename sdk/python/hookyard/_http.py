"""Outbound HTTP as a plugin sees it, and the requests that a provider's plugin is shown.

`fetch` looks as if it waited. It does not: the host ends the instance there, sends the request itself, with the named
credentials attached, and runs the call again with the reply at hand. There is no client, no timeout to set, no redirect
followed. Nothing here opens a socket.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qsl, quote, urlencode

from . import _host
from ._check import Check, binary, expected, json_text, json_value, many, text, whole, word
from ._failure import Malformed, Permanent, Retry, Unauthorized

Pairs: TypeAlias = Mapping[str, str] | Iterable[tuple[str, str]]
_ABSENT: Final = object()


class Headers(Mapping[str, str]):
    """Headers by name, whatever its case. Where a name came more than once, `[]` and `get` give the first value."""

    def __init__(self, fields: Pairs = ()) -> None:
        pairs = fields.items() if isinstance(fields, Mapping) else fields
        #: As they were sent, in order.
        self.fields: tuple[tuple[str, str], ...] = tuple((name, value) for name, value in pairs)

    def all(self, name: str) -> list[str]:
        """Every value of this name, in order."""
        wanted = name.lower()
        return [value for key, value in self.fields if key.lower() == wanted]

    def __getitem__(self, name: str) -> str:
        for value in self.all(name):
            return value
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(name.lower() for name, _ in self.fields))

    def __len__(self) -> int:
        return len({name.lower() for name, _ in self.fields})

    def __repr__(self) -> str:
        # Values are not for a log: one may be a token.
        return f"Headers({sorted(self)})"


@dataclass(frozen=True)
class Request:
    """A request that a provider sent, before anything of it is believed."""

    method: str
    #: The public URL as the operator configured it, never what a Host header claims.
    url: str
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """The header of this name, whatever its case. Refuses a request that has two different ones."""
        return _sole(self.headers.all(name), name)

    def query(self, name: str) -> str | None:
        """The query parameter of this exact name, decoded. Refuses a request that has two different ones."""
        query = self.url.partition("?")[2].partition("#")[0]
        return _sole([value for key, value in parse_qsl(query, keep_blank_values=True) if key == name], name)

    def text(self) -> str:
        """The body as text. Refuses a request whose body is not UTF-8."""
        try:
            return self.body.decode()
        except UnicodeDecodeError:
            raise Malformed("the body is not UTF-8") from None

    def json(self) -> Any:
        """The body, parsed. Refuses a request whose body is not JSON."""
        try:
            return json_value(self.body, "the body")
        except ValueError as error:
            raise Malformed(str(error)) from None

    def form(self) -> list[tuple[str, str]]:
        """The body's form fields, decoded, in order."""
        return parse_qsl(self.text(), keep_blank_values=True)


@dataclass(frozen=True)
class Response:
    """An answer: a peer's to a `fetch`, or one that a provider's plugin wants to give."""

    status: int
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    def text(self) -> str:
        """The body as text. What is not UTF-8 becomes U+FFFD."""
        return self.body.decode(errors="replace")

    def json(self) -> Any:
        """The body, parsed."""
        return json_value(self.body, "the answer")

    def raise_for_status(self) -> Response:
        """Itself where the status is 2xx. Otherwise raises what the status means to the host.

        401 needs a person. 408, 425, 429 and 5xx are tried again, after `Retry-After` where that is a number of
        seconds. The rest is final.
        """
        if self.ok:
            return self
        said = f"the peer answered {self.status}"
        if self.status == 401:
            raise Unauthorized(said)
        if self.status in (408, 425, 429) or self.status >= 500:
            wait = self.headers.get("retry-after", "").strip()
            seconds = int(wait) if wait.isascii() and wait.isdigit() and len(wait) < 10 else None
            raise Retry(said, None if seconds is None else timedelta(seconds=seconds))
        raise Permanent(said)

    @classmethod
    def plain(cls, body: str, status: int = 200) -> Response:
        """An answer of plain text, such as a challenge's echo."""
        return cls(status, Headers([("content-type", "text/plain")]), text(body, "the body").encode())

    @classmethod
    def of_json(cls, value: Any, status: int = 200) -> Response:
        """An answer of JSON."""
        return cls(status, Headers([("content-type", "application/json")]), json_text(value, "the body").encode())


def fetch(
    url: str,
    method: str = "GET",
    headers: Pairs = (),
    body: bytes | str | None = None,
    *,
    json: Any = _ABSENT,
    form: Pairs | None = None,
    query: Pairs | None = None,
    credentials: Sequence[str] = (),
) -> Response:
    """Asks the host to send a request. Any status is an answer; a `FetchError` means that there was none.

    The URL is sent as written; `query` adds parameters to it, encoded. `json` or `form` makes the body and says so in
    its content type. `credentials` names what the host attaches, where the manifest says it goes.
    """
    fields = _fields(headers, "headers")
    if sum(given for given in (body is not None, json is not _ABSENT, form is not None)) > 1:
        raise TypeError("fetch() takes one of body, json and form")
    content = b""
    content_type = None
    if json is not _ABSENT:
        content, content_type = json_text(json, "json").encode(), "application/json"
    elif form is not None:
        content = urlencode(_fields(form, "form"), quote_via=quote, safe="").encode()
        content_type = "application/x-www-form-urlencoded"
    elif body is not None:
        content = text(body, "body").encode() if isinstance(body, str) else binary(body, "body")
    if content_type is not None and not any(name.lower() == "content-type" for name, _ in fields):
        fields.append(("content-type", content_type))
    if query is not None:
        separator = "&" if "?" in text(url, "the URL") else "?"
        url = f"{url}{separator}{urlencode(_fields(query, 'query'), quote_via=quote, safe='')}"
    request = Request(word(method, "the method"), word(url, "the URL"), Headers(fields), content)
    return _host.current("fetch()").fetch(request, many(text)(credentials, "credentials"))


def response(value: Any, path: str) -> Response:
    """Checks an answer before it leaves."""
    if not isinstance(value, Response):
        raise expected(value, path, "a Response")
    status: Check = whole(16)
    return Response(
        status(value.status, f"{path}.status"),
        Headers(_fields(value.headers, f"{path}.headers")),
        binary(value.body, f"{path}.body"),
    )


def _fields(pairs: Any, what: str) -> list[tuple[str, str]]:
    if isinstance(pairs, Headers):
        pairs = pairs.fields
    listed = list(pairs.items()) if isinstance(pairs, Mapping) else many(lambda one, _: one)(pairs, what)
    for index, pair in enumerate(listed):
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise expected(pair, f"{what}[{index}]", "a pair of name and value")
        text(pair[0], f"a name in {what}")
        text(pair[1], f"{what}[{pair[0]!r}]")
    return [(name, value) for name, value in listed]


def _sole(values: list[str], name: str) -> str | None:
    if not values:
        return None
    if any(value != values[0] for value in values):
        raise Malformed(f"`{name}` came twice, with different values")
    return values[0]
