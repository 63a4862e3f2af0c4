"""Writes the Python code of the wire contract; with --check, only says whether the committed code is stale."""

import argparse
import filecmp
import shutil
import sys
import tempfile
from pathlib import Path

from grpc_tools import protoc

HERE = Path(__file__).resolve().parent
PACKAGE = Path("prerequis/v1")


def generate(target: Path) -> None:
    """Write the generated files of every .proto below `target`; raise SystemExit when protoc refuses one."""
    sources = sorted(str(path.relative_to(HERE)) for path in (HERE / PACKAGE).glob("*.proto"))
    well_known = Path(protoc.__file__).parent / "_proto"
    arguments = [
        "protoc",
        f"--proto_path={HERE}",
        f"--proto_path={well_known}",
        f"--python_out={target}",
        f"--grpc_python_out={target}",
        f"--mypy_out=readable_stubs,quiet:{target}",
        f"--mypy_grpc_out=only_async,quiet:{target}",
        *sources,
    ]
    if protoc.main(arguments) != 0:
        raise SystemExit(1)
    # protoc writes an empty service module for a file without services.
    for path in (target / PACKAGE).glob("*_pb2_grpc.py*"):
        if "Stub" not in path.read_text():
            path.unlink()


def stale(target: Path) -> list[str]:
    """Return the names of generated files that are missing, superfluous or different."""
    committed = {path.name for path in (HERE / PACKAGE).glob("*_pb2*")}
    fresh = {path.name for path in (target / PACKAGE).glob("*_pb2*")}
    _, differing, unreadable = filecmp.cmpfiles(
        HERE / PACKAGE, target / PACKAGE, sorted(committed & fresh), shallow=False
    )
    return sorted((committed ^ fresh) | set(differing) | set(unreadable))


def main() -> int:
    """Return 0 when the committed code is (now) that of the .proto files, else 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    with tempfile.TemporaryDirectory() as scratch:
        target = Path(scratch)
        (target / PACKAGE).mkdir(parents=True)
        generate(target)
        names = stale(target)
        if check:
            for name in names:
                sys.stderr.write(f"{PACKAGE / name}: stale; run `make protos`\n")
            return 1 if names else 0
        for name in names:
            fresh = target / PACKAGE / name
            if fresh.exists():
                shutil.copy(fresh, HERE / PACKAGE / name)
            else:
                (HERE / PACKAGE / name).unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
