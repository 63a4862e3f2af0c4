"""Log lines as JSON, one object a line, for programs that gather logs.

The log never names a person: machines by the id that the collector gave them, sites by their FINESS number. A trace
shows the places where an error passed, not the values that were there.
"""

import json
import logging
import traceback
from datetime import UTC, datetime


class JsonFormatter(logging.Formatter):
    """Writes `time` (ISO 8601, UTC), `level`, `logger`, `message`, and for an error its `error` and `trace`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        line: dict[str, object] = {
            "time": f"{datetime.fromtimestamp(record.created, UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            line["error"] = type(error).__name__
            line["trace"] = [f"{at.filename}:{at.lineno} {at.name}" for at in traceback.extract_tb(error.__traceback__)]
        return json.dumps(line, ensure_ascii=False)
