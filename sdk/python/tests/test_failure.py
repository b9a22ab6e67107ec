"""What the host is told of an exception. Guarantees the author's file and line; knows no component."""

from __future__ import annotations

import unittest

import _path  # noqa: F401

from hookyard import FetchError, Permanent, Retry, Unauthorized, destination, emit
from hookyard._failure import frames, sentence, settled
from hookyard.testing import run_flow


def named(file: str) -> str | None:
    """This file is the author's."""
    return "src/app.py" if file == __file__ else None


def raised(call: object) -> Exception:
    """The exception that a call raises."""
    try:
        call()  # type: ignore[operator]
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


class AFailure(unittest.TestCase):
    """Exceptions, as the host hears of them."""

    def test_what_may_pass_is_retried_and_what_is_refused_is_not(self) -> None:
        self.assertIsInstance(settled(FetchError("timed-out", "r"), named), Retry)
        self.assertIsInstance(settled(FetchError("unreachable", "r"), named), Retry)
        self.assertIsInstance(settled(FetchError("refused", "r"), named), Permanent)
        self.assertIsInstance(settled(FetchError("too-large", "r"), named), Permanent)
        for chosen in (Retry("r"), Unauthorized("u"), Permanent("p")):
            self.assertIs(settled(chosen, named), chosen)

    def test_anything_else_is_permanent_and_names_the_author_s_line(self) -> None:
        empty: dict[str, int] = {}
        error = raised(lambda: empty["x"])
        settlement = settled(error, named)
        self.assertIsInstance(settlement, Permanent)
        self.assertRegex(settlement.reason, r"^KeyError: 'x' at src/app\.py:\d+$")

    def test_the_line_is_the_author_s_though_the_sdk_raised(self) -> None:
        error = raised(lambda: emit("a", {1}))
        self.assertRegex(sentence(error, named), r"^data is a set, which JSON cannot hold at src/app\.py:\d+$")
        self.assertEqual(len(frames(error, named)), 2)

    def test_a_late_import_says_what_to_do(self) -> None:
        error = raised(lambda: __import__("no_such_module"))
        self.assertIn("import it at the top of the module", sentence(error, named))

    def test_a_text_is_bounded_and_can_be_written(self) -> None:
        said = sentence(ValueError("\ud800" + "x\n" * 1000), named)
        self.assertLess(len(said), 400)
        said.encode()

    def test_what_is_not_decorated_cannot_be_run(self) -> None:
        def push(order: object) -> None: ...

        destination(id="d", name="D", version="1", summary="s")(push)
        for function in (push, len):
            with self.assertRaises(TypeError):
                run_flow(function, None)  # type: ignore[arg-type]


if __name__ == "__main__":
    unittest.main()
