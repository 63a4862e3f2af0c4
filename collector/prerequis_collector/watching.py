"""What of a serving collector is shown to whoever watches, besides its calls."""

import shutil
from importlib.metadata import version

from prerequis_collector.collector import Collector
from prerequis_collector.config import Config
from prerequis_collector.server_identity import ServerIdentity


def watch(collector: Collector, known: Config, identity: ServerIdentity) -> None:
    """Have the collector's metrics show how full it is and until when its certificates are good."""
    watch = collector.metrics.watch
    watch("prerequis_writes_waiting", "Changes that wait for a transaction.", lambda: collector.writer.waiting)
    watch("prerequis_reports_waiting", "Reports that wait for a transaction.", lambda: collector.intake.waiting)
    watch("prerequis_leases", "Lines that are measured now.", lambda: len(collector.leases.live()))
    watch("prerequis_disk_free_bytes", "Room left where the data are.", lambda: shutil.disk_usage(known.data).free)
    expires, meaning = "prerequis_certificate_expires_seconds", "When the certificate ends, in seconds since 1970."
    ends = collector.authority.certificate.not_valid_after_utc.timestamp()
    watch(expires, meaning, lambda: identity.current().ends.timestamp(), certificate="server")
    watch(expires, meaning, lambda: ends, certificate="authority")
    labels = {"version": version("prerequis"), "pack": collector.pack.digest[:12]}
    watch("prerequis_collector_info", "Which program and which rules serve.", lambda: 1.0, **labels)
