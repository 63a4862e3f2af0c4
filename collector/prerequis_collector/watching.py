"""What of a serving collector is shown to whoever watches, besides its calls."""

import shutil
from functools import partial
from importlib.metadata import version

from cryptography import x509

from prerequis_collector.collector import Collector
from prerequis_collector.config import Config


def watch(collector: Collector, known: Config, certificate: bytes) -> None:
    """Have the collector's metrics show how full it is and until when its certificates (its own: PEM) are good."""
    watch = collector.metrics.watch
    watch("prerequis_writes_waiting", "Changes that wait for a transaction.", lambda: collector.writer.waiting)
    watch("prerequis_reports_waiting", "Reports that wait for a transaction.", lambda: collector.intake.waiting)
    watch("prerequis_leases", "Lines that are measured now.", lambda: len(collector.leases.live()))
    watch("prerequis_disk_free_bytes", "Room left where the data are.", lambda: shutil.disk_usage(known.data).free)
    own, authority = x509.load_pem_x509_certificate(certificate), collector.authority.certificate
    for name, one in (("server", own), ("authority", authority)):
        meaning = "When the certificate ends, in seconds since 1970."
        ends = one.not_valid_after_utc.timestamp()
        watch("prerequis_certificate_expires_seconds", meaning, partial(float, ends), certificate=name)
    labels = {"version": version("prerequis"), "pack": collector.pack.digest[:12]}
    watch("prerequis_collector_info", "Which program and which rules serve.", lambda: 1.0, **labels)
