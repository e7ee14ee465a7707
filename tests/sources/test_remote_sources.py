"""Exports in buckets, on SFTP and HTTPS servers: they land as from a folder, whatever the servers do meanwhile."""

from __future__ import annotations

import gzip
import os
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from landing import Home
from pydantic import ValidationError
from storing import SSHD, SFTPServer, https_server, s3_server

from orchestration.check.survey import survey
from orchestration.core.errors import ConfigurationError, CxhouseError
from orchestration.pull.sources.locations import forget_listings, sources_of
from orchestration.pull.sources.remote import downloads, stores
from orchestration.settings.locations import Location
from orchestration.settings.model import Settings

pytest.importorskip("fsspec")
TICKETS = b"ticket_id,created_at,status\n" + b"".join(b"T%d,2026-06-01,open\n" % i for i in range(2000))
ORDERS = b"order_id,ordered_at,status\nO1,2026-06-01,paid\n"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small blocks and short pauses, so that small files break off in the middle."""
    monkeypatch.setattr(downloads, "BLOCK_BYTES", 4096)
    monkeypatch.setattr(downloads, "wait_exponential_jitter", lambda **_: lambda _: 0.01)


# -- each kind of server -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def s3() -> Iterator[tuple[str, Any]]:
    pytest.importorskip("moto")
    with s3_server() as (address, client):
        yield address, client


@pytest.fixture
def bucket(s3: tuple[str, Any], request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[str, Any, str]:
    name = f"exports-{abs(hash(request.node.name))}"
    s3[1].create_bucket(Bucket=name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    return (*s3, name)


def test_a_bucket_is_listed_once_and_what_changed_is_read(tmp_path: Path, bucket: tuple[str, Any, str]) -> None:
    address, client, name = bucket
    packed = gzip.compress(ORDERS)
    for key, content in (
        ("desk/tickets.csv", TICKETS),
        ("desk/may/orders.csv.gz", packed),
        ("desk/read.me", b"-"),
    ):
        client.put_object(Bucket=name, Key=key, Body=content)
    client.put_object(Bucket=name, Key="other/tickets.csv", Body=TICKETS)
    home = Home(tmp_path, {"at": f"s3://{name}/desk", "endpoint": address})
    assert home.land().new == 2
    assert home.contents() == {"tickets.csv": TICKETS, "may/orders.csv.gz": packed}
    assert home.land().new == 0
    client.put_object(Bucket=name, Key="desk/tickets.csv", Body=TICKETS + b"T9,2026-06-02,open\n")
    assert home.land().new == 1
    assert [path.name for path in home.settings.downloads.rglob("*") if path.is_file()] == []


def test_credentials_that_are_wrong_are_reported_without_them(tmp_path: Path, bucket: tuple[str, Any, str]) -> None:
    address, _, name = bucket
    home = Home(tmp_path, {"at": f"s3://{name}x/desk", "endpoint": address})
    with pytest.raises(CxhouseError, match=r"no source of exports can be read .*no such folder") as caught:
        home.land()
    assert "testing" not in str(caught.value)


@pytest.fixture(scope="module")
def sftp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SFTPServer]:
    if SSHD is None or not shutil.which("ssh-keygen"):
        pytest.skip("OpenSSH's server is not installed")
    server = SFTPServer(tmp_path_factory.mktemp("sftp"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def with_key(sftp: SFTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's key is found where ssh looks for it."""
    import paramiko

    connect = paramiko.SSHClient.connect
    key = str(sftp.known_hosts.with_name("user_key"))
    monkeypatch.setattr(
        paramiko.SSHClient, "connect", lambda client, host, **options: connect(client, host, key_filename=key, **options)
    )


@pytest.mark.usefixtures("with_key")
def test_files_on_a_server_of_sftp_land(tmp_path: Path, sftp: SFTPServer) -> None:
    folder = tmp_path / "out going"
    (folder / "may").mkdir(parents=True)
    (folder / "tickets.csv").write_bytes(TICKETS)
    (folder / "may" / "orders.csv").write_bytes(ORDERS)
    (folder / "link.csv").symlink_to("/etc/passwd")
    home = Home(tmp_path, {"at": sftp.at(folder), "known_hosts": sftp.known_hosts})
    assert home.land().new == 2
    assert home.contents() == {"tickets.csv": TICKETS, "may/orders.csv": ORDERS}
    assert home.land().new == 0
    (folder / "tickets.csv").write_bytes(TICKETS * 2)
    assert home.land().new == 1


@pytest.mark.usefixtures("with_key")
def test_a_server_of_sftp_whose_key_is_not_known_gets_nothing(tmp_path: Path, sftp: SFTPServer) -> None:
    (tmp_path / "known_hosts").write_text("")
    home = Home(tmp_path, {"at": sftp.at(tmp_path), "known_hosts": tmp_path / "known_hosts"})
    with pytest.raises(CxhouseError, match="the server's key is not the one in known_hosts"):
        home.land()


@pytest.mark.usefixtures("with_key")
def test_a_connection_that_is_lost_is_opened_again(tmp_path: Path, sftp: SFTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "tickets.csv").write_bytes(TICKETS)
    home = Home(tmp_path, {"at": sftp.at(tmp_path / "out"), "known_hosts": sftp.known_hosts})
    read, calls = stores.Store.read, []

    def breaking(self: stores.Store, *given: Any) -> bytes:
        calls.append(given)
        if len(calls) == 3:
            sftp.stop()
            sftp.start()
        return read(self, *given)

    monkeypatch.setattr(stores.Store, "read", breaking)
    assert home.land().new == 1
    assert home.contents() == {"tickets.csv": TICKETS}
    assert len(calls) > 3


@pytest.fixture
def web(tmp_path: Path) -> Iterator[tuple[Location, Path, Any]]:
    folder = tmp_path / "web"
    folder.mkdir()
    with https_server(folder, tmp_path / "ca.pem") as (address, handler):
        yield Location(at=address, ca=tmp_path / "ca.pem"), folder, handler


def test_the_links_of_a_page_land(tmp_path: Path, web: tuple[Location, Path, Any]) -> None:
    location, folder, handler = web
    (folder / "may").mkdir()
    (folder / "tickets.csv").write_bytes(TICKETS)
    (folder / "may" / "orders of may.csv").write_bytes(ORDERS)
    home = Home(tmp_path, location)
    assert home.land().new == 2
    assert home.contents() == {"tickets.csv": TICKETS, "may/orders of may.csv": ORDERS}
    handler.asked.clear()
    assert home.land().new == 0
    assert not [asked for asked in handler.asked if asked[2]], "what did not change is not read"


def test_the_lines_of_a_list_land(tmp_path: Path, web: tuple[Location, Path, Any]) -> None:
    location, folder, _ = web
    (folder / "tickets.csv").write_bytes(TICKETS)
    (folder / "orders.csv").write_bytes(ORDERS)
    (folder / "exports.txt").write_text("# of the night\ntickets.csv\nhttps://elsewhere.example/orders.csv\n")
    home = Home(tmp_path, location.model_copy(update={"list": "exports.txt"}))
    assert home.land().new == 1
    assert home.contents() == {"tickets.csv": TICKETS}


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path, web: tuple[Location, Path, Any]) -> None:
    home = Home(tmp_path, web[0].model_copy(update={"ca": None}))
    with pytest.raises(CxhouseError, match="certificate is not trusted"):
        home.land()


def test_a_token_from_the_environment_is_sent_and_never_shown(
    tmp_path: Path, web: tuple[Location, Path, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    location, folder, handler = web
    (folder / "tickets.csv").write_bytes(TICKETS)

    def guard(_: str, request: Any) -> str | None:
        if request.headers.get("Authorization") == "Bearer sesame":
            return None
        request.send_error(401)
        return "answered"

    handler.before = staticmethod(guard)
    home = Home(tmp_path, {"phones": location})
    monkeypatch.setenv("CXHOUSE_PHONES_TOKEN", "wrong-sesame")
    with pytest.raises(CxhouseError, match="access is denied: check the credentials in the environment") as caught:
        home.land()
    assert "sesame" not in str(caught.value) + "".join(home.progress)
    monkeypatch.setenv("CXHOUSE_PHONES_TOKEN", "sesame")
    assert home.land().new == 1
    assert home.contents() == {"phones/tickets.csv": TICKETS}


def test_a_server_without_ranges_is_read_whole(tmp_path: Path, web: tuple[Location, Path, Any]) -> None:
    location, folder, handler = web
    handler.ranges = False
    (folder / "tickets.csv").write_bytes(TICKETS)
    home = Home(tmp_path, location)
    home.land()
    assert home.contents() == {"tickets.csv": TICKETS}


# -- servers in trouble ------------------------------------------------------------------------------------------------


def test_errors_of_the_moment_are_tried_again(tmp_path: Path, web: tuple[Location, Path, Any]) -> None:
    location, folder, handler = web
    (folder / "tickets.csv").write_bytes(TICKETS)
    failures = []

    def now_and_then(path: str, request: Any) -> str | None:
        if path.endswith(".csv") and len(failures) < 6 and len(handler.asked) % 2:
            failures.append(path)
            request.send_error(503)
            return "answered"
        return None

    handler.before = staticmethod(now_and_then)
    home = Home(tmp_path, location)
    assert home.land().new == 1
    assert home.contents() == {"tickets.csv": TICKETS}
    assert len(failures) > 2


def test_a_download_that_breaks_off_goes_on_where_it_was(tmp_path: Path, web: tuple[Location, Path, Any]) -> None:
    location, folder, handler = web
    (folder / "tickets.csv").write_bytes(TICKETS)
    (folder / "orders.csv").write_bytes(ORDERS)

    def gone(path: str, request: Any) -> str | None:
        wanted = request.headers.get("Range")
        if path.endswith("tickets.csv") and wanted and int(wanted.removeprefix("bytes=").partition("-")[0]) >= 12288:
            request.wfile.write(b"HTTP/1.1 206 Partial Content\r\nContent-Length: 4096\r\n\r\nhalf")
            request.connection.close()
            return "answered"
        return None

    handler.before = staticmethod(gone)
    home = Home(tmp_path, location)
    arrivals = home.land()
    assert arrivals.new == 1
    assert home.contents() == {"orders.csv": ORDERS}
    assert [line for line in arrivals.unreadable if line.startswith("tickets.csv cannot be read (")]
    handler.before = staticmethod(lambda *_: None)
    handler.asked.clear()
    assert home.land().new == 1
    assert home.contents()["tickets.csv"] == TICKETS
    read = [int(asked[2].removeprefix("bytes=").partition("-")[0]) for asked in handler.asked if asked[2]]
    assert min(read) == 12288
    assert not list(home.settings.downloads.rglob("*.part"))


def test_a_file_that_changes_while_it_is_read_waits_for_the_next_run(tmp_path: Path, web: tuple[Location, Path, Any]) -> None:
    location, folder, handler = web
    path = folder / "tickets.csv"
    path.write_bytes(TICKETS)

    def rewrite(asked: str, request: Any) -> None:
        if asked.endswith("tickets.csv") and request.headers.get("Range", "").startswith("bytes=8192"):
            path.write_bytes(TICKETS.replace(b"open", b"done"))
            os.utime(path, ns=(1, 1))

    handler.before = staticmethod(rewrite)
    home = Home(tmp_path, location)
    arrivals = home.land()
    assert arrivals.new == 0
    assert arrivals.unreadable == ["tickets.csv cannot be read (it is being written); the next run tries again"]
    handler.before = staticmethod(lambda *_: None)
    assert home.land().new == 1
    assert home.contents() == {"tickets.csv": TICKETS.replace(b"open", b"done")}


def test_a_source_that_is_down_does_not_keep_the_others_from_landing(tmp_path: Path, web: tuple[Location, Path, Any]) -> None:
    location, folder, handler = web
    (folder / "tickets.csv").write_bytes(TICKETS)
    near = tmp_path / "near"
    near.mkdir()
    (near / "orders.csv").write_bytes(ORDERS)
    home = Home(tmp_path, {"shop": str(near), "desk": location})
    assert home.land().new == 2
    assert set(home.contents()) == {"shop/orders.csv", "desk/tickets.csv"}
    handler.before = staticmethod(lambda path, request: request.send_error(500) or "answered")
    (near / "orders_2.csv").write_bytes(ORDERS.replace(b"O1", b"O2"))
    arrivals = home.land()
    assert arrivals.new == 1
    assert home.pull.unreadable_sources == {"desk": "the server answered 500"}
    offered = {file.file for file in home.ledger.landed() if file.sha256 in arrivals.offered}
    assert offered == {"shop/orders.csv", "shop/orders_2.csv", "desk/tickets.csv"}, "what is down may well offer it still"


@pytest.mark.usefixtures("with_key")
def test_servers_that_are_not_there_are_no_empty_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    (tmp_path / "known_hosts").write_text("")
    for place in (
        {"at": "https://127.0.0.1:1/x"},
        {"at": "s3://bucket/desk", "endpoint": "http://127.0.0.1:1"},
        {"at": "sftp://me@127.0.0.1:1/x", "known_hosts": tmp_path / "known_hosts"},
    ):
        home = Home(tmp_path / place["at"][:4], place)
        with pytest.raises(CxhouseError, match="no source of exports can be read"):
            home.land()


def test_archives_are_read_once(tmp_path: Path, web: tuple[Location, Path, Any]) -> None:
    location, folder, handler = web
    with zipfile.ZipFile(folder / "night.zip", "w") as packed:
        packed.writestr("tickets.csv", TICKETS)
        packed.writestr("in/orders.csv", ORDERS)
    home = Home(tmp_path, location)
    assert home.land().new == 2
    assert home.contents() == {"night.zip/tickets.csv": TICKETS, "night.zip/in/orders.csv": ORDERS}
    handler.asked.clear()
    arrivals = home.land()
    assert arrivals.new == 0
    assert len(arrivals.offered) == 2
    assert not [asked for asked in handler.asked if asked[2]]


@pytest.mark.slow
def test_fifty_thousand_objects_are_listed(tmp_path: Path, bucket: tuple[str, Any, str]) -> None:
    address, client, name = bucket
    from moto.s3.models import s3_backends

    client.put_object(Bucket=name, Key="desk/tickets_0.csv", Body=ORDERS)
    backend = s3_backends["123456789012"]["aws"]
    first = backend.get_object(name, "desk/tickets_0.csv")
    keys = backend.get_bucket(name).keys
    for number in range(1, 50_000):
        keys.setlist(
            f"desk/tickets_{number}.csv",
            [type(first)(name=f"desk/tickets_{number}.csv", value=b"", account_id="123456789012", region_name="us-east-1")],
        )
    home = Home(tmp_path, {"at": f"s3://{name}/desk", "endpoint": address})
    forget_listings()
    (source,) = sources_of(home.settings)
    assert len(list(source.files())) == 50_000


@pytest.mark.slow
def test_a_run_publishes_what_the_other_sources_hold_and_says_how_old_the_rest_is(copied_home: Any, cxhouse: Any) -> None:
    path = copied_home.config / "cxhouse.yml"
    text = "".join(line for line in path.read_text(encoding="utf-8").splitlines(True) if not line.startswith("exports:"))
    path.write_text(f"{text}\nexports: {{near: '{copied_home.exports}', desk: 'https://127.0.0.1:1/x'}}\n", encoding="utf-8")
    before = copied_home.query("select count(*) from fct_tickets")
    run = cxhouse("run", *copied_home.options)
    assert "source desk cannot be read" in run.stderr
    assert copied_home.query("select count(*) from fct_tickets") == before
    rows = copied_home.query("select source, problem is null, listed_at is null, newest_landed_at is null from load_sources")
    assert sorted(rows) == [("desk", False, True, True), ("exports", True, False, False), ("near", True, False, True)]
    alerts = copied_home.query("select message from alerts where subject = 'raw/sources' and closed_at is null")
    assert alerts == [("Source desk can be read",)]


# -- settings ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "exports",
    [
        "sftp://me:secret@host/x",
        "https://host/x?token=secret",
        "https://host/x?sig=1&sas=secret",
        {"desk": {"at": "s3://bucket", "secret": "secret"}},
    ],
)
def test_credentials_do_not_belong_into_a_file(exports: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        Settings(exports=exports)
    assert "environment" in str(caught.value) or "Extra inputs" in str(caught.value)


def test_wrong_locations_are_named() -> None:
    with pytest.raises(ValidationError, match=r"ftp:// is not read; known are s3://"):
        Settings(exports="ftp://host/x")
    with pytest.raises(ValidationError, match="'Desk 1' is no name of a source"):
        Settings(exports={"Desk 1": "x"})
    with pytest.raises(ConfigurationError, match="no exports folder at"):
        sources_of(Settings(exports={"desk": "/nowhere"}))


def test_sources_of_several_places_are_surveyed(tmp_path: Path, web: tuple[Location, Path, Any]) -> None:
    location, folder, _ = web
    (folder / "tickets.csv").write_bytes(TICKETS)
    (tmp_path / "near").mkdir()
    (tmp_path / "near" / "orders.csv").write_bytes(ORDERS)
    forget_listings()
    lines = list(survey(Settings(home=tmp_path / "home", exports={"shop": str(tmp_path / "near"), "desk": location})))
    assert lines == ["shop/orders.csv -> orders (canonical_orders)", "desk/tickets.csv -> tickets (canonical_tickets)"]
