"""Faults of the connection: no answer, half of one, or one that does not end."""

from devtools.sandbox.faults.registry import Exchange, fault


@fault
def timeout_before_accept(exchange: Exchange, *, seconds: float = 60.0) -> None:
    """Do nothing and say nothing until the client leaves."""
    exchange.wire.wait_until_client_leaves(seconds=seconds)


@fault
def timeout_after_accept(exchange: Exchange, *, seconds: float = 60.0) -> None:
    """Do it and say nothing until the client leaves."""
    exchange.perform()
    exchange.wire.wait_until_client_leaves(seconds=seconds)


@fault
def reset_before_accept(exchange: Exchange) -> None:
    """Do nothing and break the connection."""
    exchange.wire.reset()


@fault
def reset_after_accept(exchange: Exchange) -> None:
    """Do it and break the connection."""
    exchange.perform()
    exchange.wire.reset()


@fault
def half_body(exchange: Exchange) -> None:
    """Do it, promise an answer and send its first half."""
    answer = exchange.perform()
    exchange.wire.send(answer.head() + answer.body[: len(answer.body) // 2])


@fault
def drip(exchange: Exchange, *, pause_milliseconds: int = 100) -> None:
    """Do it and answer one byte at a time, so that no single wait for a byte is long."""
    answer = exchange.perform()
    for byte in answer.head() + answer.body:
        if not exchange.wire.pause(pause_milliseconds / 1000):
            return
        exchange.wire.send(bytes([byte]))
