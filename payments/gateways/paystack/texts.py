"""Text from outside, made fit to be stored and shown."""


def clean_text(text: str, *, limit: int) -> str:
    """Return the first `limit` printable characters of `text`.

    What goes is what Postgres cannot store (NUL, lone surrogates) and what can forge a log line or
    turn a page around (control and direction characters).
    """
    return "".join(character for character in text if character.isprintable())[:limit]
