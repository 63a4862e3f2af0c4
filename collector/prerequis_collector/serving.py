"""A collector that serves: its database, its writer, its three ports, brought up and down together."""

import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from prerequis_collector.api import server
from prerequis_collector.api.refresh import stop_refreshing
from prerequis_collector.collector import Collector
from prerequis_collector.config import Config, Listening
from prerequis_collector.lease_keeper import keeping_leases
from prerequis_collector.line_http import LineHttp
from prerequis_collector.line_server import LineServer, http_context, server_context
from prerequis_collector.opening import (
    bundle_recipient,
    is_ours,
    load_authority,
    renew_server_identity,
    server_identity,
)
from prerequis_collector.server_identity import ServerIdentity, kept_valid, refreshed
from prerequis_collector.services.authority import Authority
from prerequis_collector.services.lease import Leases
from prerequis_collector.store.database import Database
from prerequis_collector.store.writer import Writer
from prerequis_collector.watching import watch
from prerequis_rules.pack import Pack

_GRACE_SECONDS = 10.0

_log = logging.getLogger(__name__)


@asynccontextmanager
async def serving(known: Config, database: Database, pack: Pack, wanted: Listening) -> AsyncIterator[Collector]:
    """Give a collector that answers, and let the calls that run end before it goes; raises InvalidInput."""
    authority, leases = load_authority(known), Leases(uplink_bits_per_second=known.uplink_bits_per_second)
    identity = server_identity(known, authority, datetime.now(UTC))
    files = str(known.server_certificate), str(known.server_key)
    context = refreshed(identity, lambda: server_context(*files, str(known.authority_certificate)))
    line = LineServer(wanted.measure, context, leases)
    web = refreshed(identity, lambda: http_context(*files))
    http = LineHttp(wanted.http, web, leases) if wanted.http is not None else None
    writer = Writer(database)
    collector = Collector(database, writer, authority, pack, wanted, leases)
    collector.national_services, collector.librespeed = known.national_services, known.librespeed
    collector.bundle_recipient = bundle_recipient(known)
    collector.holder = f"{socket.gethostname()}:{known.data.absolute()}"
    watch(collector, known, identity)
    servers = server.build(collector)
    try:
        where = Listening(
            listen=server.listen(servers.main, wanted.listen, identity, authority.issuer_pem()),
            measure=line.address,
            enrolment=server.listen(servers.enrolment, wanted.enrolment, identity, None),
            http=http.address if http is not None else None,
        )
        collector.reached_at = where.under(known.public_name)
        async with keeping_leases(collector), kept_valid(identity, lambda: _renew(known, authority, identity)):
            await servers.start()
            known.note_listening(where)
            yield collector
    finally:
        await servers.stop(_GRACE_SECONDS)
        await stop_refreshing(collector)
        line.close()
        if http is not None:
            http.close()
        writer.close()


def _renew(known: Config, authority: Authority, identity: ServerIdentity) -> None:
    """Renew the collector's certificate, unless one that another authority signed still holds.

    Raises StorageUnavailable.
    """
    ends = identity.current().ends
    if is_ours(identity, authority) or ends <= datetime.now(UTC):
        renew_server_identity(known, authority)
    else:
        _log.warning("the certificate that was installed ends on %s: install another", ends.date())
