"""A collector that serves: its database, its writer, its three ports, brought up and down together."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prerequis_collector.api import server
from prerequis_collector.api.refresh import stop_refreshing
from prerequis_collector.collector import Collector
from prerequis_collector.config import Config, Listening
from prerequis_collector.lease_keeper import keeping_leases
from prerequis_collector.line_http import LineHttp
from prerequis_collector.line_server import LineServer, http_context, server_context
from prerequis_collector.opening import bundle_recipient, load_authority, renew_server_identity
from prerequis_collector.services.lease import Leases
from prerequis_collector.store.database import Database
from prerequis_collector.store.writer import Writer
from prerequis_collector.watching import watch
from prerequis_rules.pack import Pack

_GRACE_SECONDS = 10.0


@asynccontextmanager
async def serving(known: Config, database: Database, pack: Pack, wanted: Listening) -> AsyncIterator[Collector]:
    """Give a collector that answers, and let the calls that run end before it goes; raises InvalidInput."""
    authority, leases = load_authority(known), Leases(uplink_bits_per_second=known.uplink_bits_per_second)
    certificate, key = renew_server_identity(known, authority)
    context = server_context(str(certificate), str(key), str(known.authority_certificate))
    line = LineServer(wanted.measure, context, leases)
    http = LineHttp(wanted.http, http_context(str(certificate), str(key)), leases) if wanted.http is not None else None
    writer = Writer(database)
    collector = Collector(database, writer, authority, pack, wanted, leases)
    collector.national_services, collector.librespeed = known.national_services, known.librespeed
    collector.bundle_recipient = bundle_recipient(known)
    collector.holder = f"{socket.gethostname()}:{known.data.absolute()}"
    watch(collector, known, certificate.read_bytes())
    servers = server.build(collector)
    try:
        identity = (key.read_bytes(), certificate.read_bytes())
        where = Listening(
            listen=server.listen(servers.main, wanted.listen, identity, authority.certificate_pem()),
            measure=line.address,
            enrolment=server.listen(servers.enrolment, wanted.enrolment, identity, None),
            http=http.address if http is not None else None,
        )
        collector.reached_at = where.under(known.public_name)
        async with keeping_leases(collector):
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
