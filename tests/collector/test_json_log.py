"""Log lines that a program gathers."""

import json
import logging
import sys

from prerequis_collector.json_log import JsonFormatter


def _line(message: str, *arguments: object, failed: bool = False) -> dict[str, object]:
    raised = sys.exc_info() if failed else None
    record = logging.LogRecord("prerequis", logging.WARNING, __file__, 1, message, arguments, raised)
    written = JsonFormatter().format(record)
    assert "\n" not in written
    document: dict[str, object] = json.loads(written)
    return document


def test_a_record_is_one_line_of_json_whatever_it_says() -> None:
    line = _line("refusé : « %s »", 'deux\nlignes et un "')
    assert line["message"] == 'refusé : « deux\nlignes et un " »'
    assert (line["level"], line["logger"]) == ("warning", "prerequis")
    assert str(line["time"]).endswith("Z")


def test_an_error_tells_where_it_passed_and_nothing_of_what_was_there() -> None:
    try:
        raise ValueError("Mme Martin, 2 61 03")
    except ValueError:
        line = _line("failed", failed=True)
    assert line["error"] == "ValueError"
    assert "test_json_log.py" in str(line["trace"])
    assert "Martin" not in json.dumps(line)
