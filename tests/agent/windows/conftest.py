"""What only a Windows Python can run: `make check-windows` runs it under Wine."""

import sys

if sys.platform != "win32":
    collect_ignore_glob = ["test_*.py"]
