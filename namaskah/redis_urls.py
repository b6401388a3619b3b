"""One Redis setting, as redis-py and as Celery spell it."""

from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit


def with_database(url: str, number: int) -> str:
    """Return the redis-py URL of database `number` on the server that `url` names.

    Understands `redis://host:port/0`, `rediss://…` and `unix:///path?db=0`.
    """
    parts = urlsplit(url)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items() if name != "db"}
    if parts.scheme == "unix":
        # By hand, because urlunsplit drops the empty authority, and redis-py wants `unix://`.
        return f"unix://{parts.netloc}{parts.path}?{urlencode({**query, 'db': number})}"
    return urlunsplit(parts._replace(path=f"/{number}", query=urlencode(query)))


def as_broker_url(url: str) -> str:
    """Return `url` as Celery's transport spells it: a unix socket is `redis+socket://path?virtual_host=N`."""
    parts = urlsplit(url)
    if parts.scheme != "unix":
        return url
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    number = query.pop("db", "0")
    return f"redis+socket://{parts.netloc}{parts.path}?{urlencode({**query, 'virtual_host': number})}"
