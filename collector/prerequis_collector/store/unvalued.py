"""What PostgreSQL says of an error, without the values that were being kept: its text goes to the log.

SQLAlchemy leaves its own parameters out when asked; the server's text names them again.
"""

from sqlalchemy import event
from sqlalchemy.engine import Engine, ExceptionContext

_DATA_EXCEPTION = "22"
"""The class of SQLSTATE whose very message quotes the value (PostgreSQL's manual, appendix A)."""


def leave_values_out(engine: Engine) -> None:
    """Have every error that the server tells carry its message alone, or its code where that would quote a value.

    Its detail ("Key (id)=(…) already exists", "Failing row contains (…)") and its context are left out.
    """
    event.listen(engine, "handle_error", _shorten)


def _shorten(context: ExceptionContext) -> None:
    error, wrapped = context.original_exception, context.sqlalchemy_exception
    state, diagnostics = getattr(error, "sqlstate", None), getattr(error, "diag", None)
    if state is None:  # not the server's: the connection, or the driver
        return
    told = (
        f"SQLSTATE {state}" if state.startswith(_DATA_EXCEPTION) else str(diagnostics and diagnostics.message_primary)
    )
    error.args = (told,)
    if wrapped is not None:
        wrapped.args = (f"({type(error).__module__}.{type(error).__name__}) {told}",)
