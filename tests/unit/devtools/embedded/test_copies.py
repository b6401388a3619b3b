from devtools.embedded import copies


def make_package(site_packages):
    directory = site_packages / "server" / "install18" / "bin"
    directory.mkdir(parents=True)
    program = directory / "postgres"
    program.write_text("a program")
    program.chmod(0o700)
    (directory.parent / "include").mkdir()
    (site_packages / "server.libs").mkdir()
    (site_packages / "server.libs" / "library.so").write_text("a library")
    return directory


def test_copy_of_postgres_keeps_the_layout_and_opens_it(tmp_path):
    directory = make_package(tmp_path / "site-packages")

    copy = copies.copy_of_postgres(directory, tmp_path / "copies")

    root = copy.parents[2]
    found = {str(path.relative_to(root)): oct(path.stat().st_mode & 0o777) for path in root.rglob("*")}
    assert found == {
        "server": "0o755",
        "server/install18": "0o755",
        "server/install18/bin": "0o755",
        "server/install18/bin/postgres": "0o755",
        "server.libs": "0o755",
        "server.libs/library.so": "0o644",
    }


def test_copy_of_postgres_is_made_once_per_version(tmp_path):
    directory = make_package(tmp_path / "site-packages")
    first = copies.copy_of_postgres(directory, tmp_path / "copies")
    (first / "mark").touch()

    again = copies.copy_of_postgres(directory, tmp_path / "copies")
    (directory / "postgres").write_text("a newer program")
    newer = copies.copy_of_postgres(directory, tmp_path / "copies")

    assert again == first
    assert (again / "mark").exists()
    assert newer != first
    assert (newer / "postgres").read_text() == "a newer program"


def test_copy_of_valkey_replaces_what_was_cut_off(tmp_path):
    server = tmp_path / "valkey-server"
    server.write_text("a program")
    (tmp_path / "copies" / "unfinished").mkdir(parents=True)
    (tmp_path / "copies" / "unfinished" / "half").touch()

    copy = copies.copy_of_valkey(server, tmp_path / "copies")

    assert [path.name for path in copy.parent.iterdir()] == ["valkey-server"]
