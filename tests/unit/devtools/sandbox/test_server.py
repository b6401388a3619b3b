import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from devtools.sandbox import server
from devtools.sandbox.__main__ import main
from devtools.sandbox.web.serving import SandboxServer

from .conftest import ORDER, SECRET_KEY

ROOT = Path(__file__).resolve().parents[4]


def test_process_says_where_it_listens_keeps_its_ledger_and_ends_on_sigterm(tmp_path):
    command = [
        sys.executable,
        "-m",
        "devtools.sandbox",
        "--database",
        tmp_path / "s.sqlite3",
        "--secret-key",
        SECRET_KEY,
    ]
    statuses = []
    for _ in range(2):
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            url = process.stdout.readline().removeprefix("sandbox ready ").strip()
            answer = httpx.post(
                f"{url}/transaction/initialize",
                json=ORDER,
                headers={"Authorization": f"Bearer {SECRET_KEY}"},
                trust_env=False,
            )
            process.send_signal(signal.SIGTERM)
            statuses.append((answer.json().get("code"), process.wait(timeout=10)))

    assert statuses == [(None, 0), ("duplicate_reference", 0)]


def test_main_says_in_one_line_that_a_port_is_taken(capsys, monkeypatch):
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        status = main(["--port", str(port), "--secret-key", "x", "--retry-seconds", "1,2.5"])

    assert status == 1
    assert capsys.readouterr().err == f"The sandbox cannot listen on 127.0.0.1:{port}: Address already in use\n"


def test_hundred_concurrent_purchases_are_begun_and_verified(sandbox, api):
    everybody = threading.Barrier(100)

    def purchase(number):
        everybody.wait()
        begun = api.post("/transaction/initialize", json={**ORDER, "reference": f"nmk-{number}"})
        return begun.status_code, api.get(f"/transaction/verify/nmk-{number}").status_code

    with ThreadPoolExecutor(100) as pool:
        answers = list(pool.map(purchase, range(100)))

    assert answers == [(200, 200)] * 100
    rows = sandbox.transactions()
    assert len({row["id"] for row in rows}) == 100
    assert len({row["customer_id"] for row in rows}) == 1


def test_one_reference_taken_by_many_at_once_is_made_once(sandbox, api):
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: api.post("/transaction/initialize", json=ORDER).status_code, range(16)))

    assert sorted(answers) == [200] + [400] * 15
    assert len(sandbox.transactions()) == 1


def test_connection_is_kept_alive(sandbox):
    with socket.create_connection(("127.0.0.1", int(sandbox.url.rsplit(":", 1)[1]))) as connection:
        reader = connection.makefile("rb")
        for _ in range(2):
            connection.sendall(b"GET /nothing HTTP/1.1\r\nhost: x\r\n\r\n")
            assert reader.readline() == b"HTTP/1.1 404 Not Found\r\n"
            headers = dict(line.decode().strip().split(": ", 1) for line in iter(reader.readline, b"\r\n"))
            reader.read(int(headers["content-length"]))
        reader.close()


@pytest.mark.parametrize("length", [b"1048577", b"many"])
def test_body_that_is_too_large_is_not_read(sandbox, length):
    with socket.create_connection(("127.0.0.1", int(sandbox.url.rsplit(":", 1)[1]))) as connection:
        connection.sendall(b"POST /refund HTTP/1.1\r\nhost: x\r\ncontent-length: " + length + b"\r\n\r\n")

        answer = b"".join(iter(lambda: connection.recv(65536), b""))

    assert answer.startswith(b"HTTP/1.1 413 ")


def test_end_breaks_connections_that_are_kept_alive():
    with server.running(secret_key=SECRET_KEY) as sandbox:
        connection = socket.create_connection(("127.0.0.1", int(sandbox.url.rsplit(":", 1)[1])))
        connection.sendall(b"GET /nothing HTTP/1.1\r\nhost: x\r\n\r\n")
        connection.recv(65536)

    with connection:
        assert connection.recv(1) == b""


def test_a_defect_of_the_sandbox_is_not_mistaken_for_a_scripted_fault(sandbox, visitor, capsys):
    sandbox.database.close()

    with pytest.raises(httpx.RemoteProtocolError):
        visitor.get("/")

    assert "Cannot operate on a closed database" in capsys.readouterr().err


def test_backlog_is_deep_enough_for_a_burst():
    assert SandboxServer.request_queue_size == 512
