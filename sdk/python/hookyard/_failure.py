"""Why a call came to nothing, said so that the host knows what to do: try later, ask a person, or give up.

An author raises one of these, or anything else. Whatever is raised becomes one of three answers, with the author's own
file and line where the author did not choose the words. Nothing here knows how an answer crosses to the host.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final, Literal, TypeAlias

from ._check import Wrong

#: How much of an exception's text is repeated. It may quote a person's answer, or a megabyte.
REASON_CHARS_MAX: Final = 300

FetchErrorKind = Literal["refused", "unreachable", "timed-out", "too-large"]


class Retry(Exception):
    """Trying again may help. `after` is how long to wait, where the peer said so; otherwise the host chooses."""

    def __init__(self, reason: str, after: timedelta | float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.after_ms = None if after is None else milliseconds(after, "after")


class Unauthorized(Exception):
    """The account's credentials no longer work: a person has to reconnect it. The host does not try again."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Permanent(Exception):
    """Trying again cannot help. Raise it to choose the words; any other exception means the same."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Malformed(Exception):
    """A request cannot be read. A sentence for the operator: the caller gets a 400 and none of it. For `receive`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class FetchError(Exception):
    """A `fetch` brought no answer. An answer with status 404 or 500 is an answer, and no error.

    Not caught, it is tried again where that may help (`unreachable`, `timed-out`) and is final where it cannot
    (`refused`, `too-large`).
    """

    def __init__(self, kind: FetchErrorKind, reason: str) -> None:
        super().__init__(reason)
        self.kind: FetchErrorKind = kind
        self.reason = reason

    @property
    def may_pass(self) -> bool:
        """Whether the same request may fare better later."""
        return self.kind in ("unreachable", "timed-out")


#: The author's name of a file ("src/app.py"), or None where the file is not the author's.
AuthorName: TypeAlias = Callable[[str], str | None]


def settled(error: BaseException, author_name: AuthorName) -> Retry | Unauthorized | Permanent:
    """What the host is told of an exception."""
    if isinstance(error, (Retry, Unauthorized, Permanent)):
        return error
    if isinstance(error, Malformed):
        return Permanent(error.reason)
    if isinstance(error, FetchError):
        return Retry(error.reason) if error.may_pass else Permanent(error.reason)
    return Permanent(sentence(error, author_name))


def is_chosen(error: BaseException) -> bool:
    """Whether the author chose the words, so that nobody has to look for the line."""
    return isinstance(error, (Retry, Unauthorized, Permanent, Malformed, FetchError))


def sentence(error: BaseException, author_name: AuthorName) -> str:
    """What it was, and the innermost line of the author's that led to it: "KeyError: 'email' at app.py:12"."""
    text = " ".join(str(error).split())
    if len(text) > REASON_CHARS_MAX:
        text = text[:REASON_CHARS_MAX] + "…"
    name = type(error).__name__
    # What the SDK finds wrong is a sentence already.
    said = text if isinstance(error, Wrong) else f"{name}: {text}" if text else name
    places = frames(error, author_name)
    if places:
        said += f" at {places[-1].partition(' in ')[0]}"
    if isinstance(error, ModuleNotFoundError):
        said += " (import it at the top of the module: a plugin has no files when it runs)"
    return said.encode(errors="backslashreplace").decode()


def frames(error: BaseException, author_name: AuthorName) -> list[str]:
    """The author's own lines that led to an exception, outermost first: "app.py:12 in run"."""
    found: list[str] = []
    traceback = error.__traceback__
    while traceback is not None:
        code = traceback.tb_frame.f_code
        name = author_name(code.co_filename)
        if name is not None:
            found.append(f"{name}:{traceback.tb_lineno} in {code.co_name}")
        traceback = traceback.tb_next
    return found


def milliseconds(duration: timedelta | float, what: str) -> int:
    """A duration in whole milliseconds; seconds where it is a number. `what` opens the sentence of a refusal."""
    seconds = duration.total_seconds() if isinstance(duration, timedelta) else duration
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise TypeError(f"{what} is {type(seconds).__name__}, and a timedelta or a number of seconds was expected")
    # Also false for NaN.
    if not 0 <= seconds <= 2**53 / 1000:
        raise ValueError(f"{what} is {seconds} seconds, and nothing negative or endless will do")
    return round(seconds * 1000)
