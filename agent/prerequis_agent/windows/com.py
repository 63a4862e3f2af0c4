"""What only COM objects tell: the Security Center's products and the results of Windows Update."""

import sys

assert sys.platform == "win32"  # noqa: S101 – lets mypy follow `--platform`

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime

import pythoncom
import win32com.client

from prerequis_agent.windows.api import SecurityProduct, UpdateResults

# iwscapi.h: CLSID of WSCProductList, WSC_SECURITY_PROVIDER and WSC_SECURITY_SIGNATURE_STATUS.
_PRODUCT_LIST = "{17072F7B-9ABE-4A74-A261-1EB76B55107A}"
_PROVIDERS = {"firewall": 1, "antivirus": 4}
_UP_TO_DATE = 1


@contextlib.contextmanager
def apartment() -> Iterator[None]:
    """Let this thread use COM; probes run in threads of their own."""
    pythoncom.CoInitialize()
    try:
        yield
    finally:
        pythoncom.CoUninitialize()


def security_products(provider: str) -> list[SecurityProduct]:
    """Return the products of a provider: antivirus or firewall."""
    with apartment():
        products = win32com.client.Dispatch(_PRODUCT_LIST)
        products.Initialize(_PROVIDERS[provider])
        found = [products.Item(index) for index in range(products.Count)]
        return [
            SecurityProduct(
                name=str(each.ProductName),
                state=int(each.ProductState),
                signatures_current=each.SignatureStatus == _UP_TO_DATE,
            )
            for each in found
        ]


def update_results() -> UpdateResults:
    """Return when Windows Update last searched and installed with success."""
    with apartment():
        results = win32com.client.Dispatch("Microsoft.Update.AutoUpdate").Results
        return UpdateResults(_moment(results.LastSearchSuccessDate), _moment(results.LastInstallationSuccessDate))


def _moment(date: object) -> datetime | None:
    # The zero of OLE dates, 30 December 1899, is "never"; IAutomaticUpdatesResults gives UTC.
    if not isinstance(date, datetime) or date.year < 1970:
        return None
    return datetime(date.year, date.month, date.day, date.hour, date.minute, date.second, tzinfo=UTC)
