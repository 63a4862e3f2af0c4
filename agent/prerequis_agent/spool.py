"""Reports that wait to be sent: one signed file each, removed only when the collector says that it keeps it."""

import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from google.protobuf.message import DecodeError

from prerequis.os_errors import why
from prerequis.v1.report_pb2 import Report, SignedReport
from prerequis_agent import durable
from prerequis_agent.errors import ConfigurationError

QUOTA_BYTES = 64 * 1024 * 1024
"""What the waiting reports may take on the disk: years of daily reports."""

_SUFFIX = ".report"


class Signer(Protocol):
    """Who signs reports: the machine's identity, or the request of one that has no certificate yet."""

    def sign(self, content: bytes) -> bytes:
        """Return the signature."""

    def certificate_der(self) -> bytes:
        """Return the certificate that verifies it, empty when there is none yet."""


class SpoolError(ConfigurationError):
    """The spool cannot take a report; what it holds is untouched."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A report that waits, and the SHA-256 of its bytes."""

    path: Path
    digest: bytes
    signed: SignedReport


class Spool:
    """A directory of reports; their names begin with the time of collection, so that the oldest sorts first."""

    def __init__(self, directory: Path, quota_bytes: int = QUOTA_BYTES) -> None:
        self._directory = directory
        self._quota_bytes = quota_bytes

    @property
    def refused(self) -> Path:
        """Where reports that will never be kept are set aside, each beside a text that says why."""
        return self._directory / "refused"

    @property
    def dropped(self) -> Path:
        """One line for each report that made room for newer ones: when it was made, its SHA-256, and for which."""
        return self._directory / "dropped.txt"

    def put(self, report: Report, identity: Signer) -> Path:
        """Sign a report, keep it on the disk, and return its file; a report already there is kept once.

        Where the quota is reached, the oldest reports, which the newer ones supersede, make room; each leaves a line in
        `dropped`. Raises SpoolError when it does not fit even so, or there is no right to write.
        """
        content = report.SerializeToString(deterministic=True)
        collected = report.collected_at.ToMilliseconds()
        digest = hashlib.sha256(content)
        path = self._directory / f"{collected:015d}-{digest.hexdigest()}{_SUFFIX}"
        signed = SignedReport(
            report=content, signature=identity.sign(content), certificate=identity.certificate_der()
        ).SerializeToString()
        with self._keeping():
            self._make_room(len(signed), digest.hexdigest())
            durable.write(path, signed)
        return path

    def _make_room(self, needed: int, newest: str) -> None:
        """Drop the oldest reports until so many bytes fit; what was dropped, and for what, is noted before."""
        if needed > self._quota_bytes:
            raise SpoolError(f"Le rapport est plus gros que toute la file d'attente {self._directory}.")
        sizes = {file: file.stat().st_size for file in self._files()}
        excess = sum(sizes.values()) + needed - self._quota_bytes
        leaving: list[Path] = []
        for file, size in sizes.items():
            if excess <= 0:
                break
            leaving.append(file)
            excess -= size
        if leaving:
            lines = "".join(f"{file.stem} superseded by {newest}\n" for file in leaving)
            before = self.dropped.read_text() if self.dropped.exists() else ""
            durable.write(self.dropped, (before + lines).encode())
            for file in leaving:
                file.unlink(missing_ok=True)

    def count_dropped(self) -> int:
        """Return how many reports made room for newer ones since this machine has a spool."""
        with self._keeping():
            return len(self.dropped.read_text().splitlines()) if self.dropped.exists() else 0

    def __len__(self) -> int:
        return len(self._files())

    def count_refused(self) -> int:
        """Return how many reports were set aside."""
        return len(list(self.refused.glob(f"*{_SUFFIX}")))

    def __iter__(self) -> Iterator[Waiting]:
        """Give the reports, the oldest first; a damaged file is set aside on the way."""
        for path in self._files():
            signed = SignedReport()
            with self._keeping():
                try:
                    signed.ParseFromString(path.read_bytes())
                except FileNotFoundError:  # another command has just handed it in
                    continue
                except DecodeError:
                    signed.Clear()
            digest = hashlib.sha256(signed.report).digest()
            if path.stem.endswith(digest.hex()):
                yield Waiting(path, digest, signed)
            else:
                self._set_aside(path, "Le fichier est abîmé : son contenu ne correspond plus à son nom.")

    def certify(self, certificate: bytes) -> None:
        """Put the certificate (DER) beside the reports that were signed before there was one."""
        for waiting in self:
            if not waiting.signed.certificate:
                signed = SignedReport(
                    report=waiting.signed.report, signature=waiting.signed.signature, certificate=certificate
                )
                with self._keeping():
                    durable.write(waiting.path, signed.SerializeToString())

    def remove(self, waiting: Waiting) -> None:
        """Forget a report that the collector keeps."""
        with self._keeping():
            waiting.path.unlink(missing_ok=True)
            durable.sync_directory(self._directory)

    def set_aside(self, waiting: Waiting, reason: str) -> None:
        """Take a report that the collector refused out of the queue, with the reason."""
        self._set_aside(waiting.path, reason)

    def _set_aside(self, path: Path, reason: str) -> None:
        with self._keeping():
            durable.write(self.refused / f"{path.stem}.txt", f"{reason}\n".encode())
            path.replace(self.refused / path.name)
            durable.sync_directory(self._directory)

    def _files(self) -> list[Path]:
        return sorted(self._directory.glob(f"*{_SUFFIX}"))

    @contextlib.contextmanager
    def _keeping(self) -> Iterator[None]:
        try:
            yield
        except OSError as problem:
            raise SpoolError(
                f"La file d'attente {self._directory} ne se laisse pas écrire ({why(problem)}) : faire de la place ou "
                "donner le droit d'écrire, puis relancer."
            ) from problem
