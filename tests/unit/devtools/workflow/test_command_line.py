import socket

import pytest

from devtools.workflow import command_line


@pytest.fixture(autouse=True)
def own_signals(monkeypatch):
    monkeypatch.setattr(command_line.signal, "signal", lambda *_: None)


def test_run_prints_an_error_as_one_line(tmp_path, capsys):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]

        status = command_line.run(tmp_path, ["up", "--port", str(port)])

    lines = capsys.readouterr().err.splitlines()
    assert status == 1
    assert [line.partition("] ")[2] for line in lines] == [
        f"error: Port {port} is in use: stop what listens there, or choose another with --port"
    ]


def test_run_refuses_an_unknown_command(tmp_path, capsys):
    with pytest.raises(SystemExit) as caught:
        command_line.run(tmp_path, ["fly"])

    assert caught.value.code == 2
    assert "invalid choice: 'fly'" in capsys.readouterr().err


def test_services_env_says_how_to_start_them(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("devtools.embedded.places._state_root", lambda checkout: checkout / "servers")

    status = command_line.run(tmp_path, ["services", "env"])

    assert status == 1
    assert "`python3 dev.py services start` starts them" in capsys.readouterr().err
