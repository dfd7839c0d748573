"""get_file against a local web server: what is kept, what is refused, what the messages say."""

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import linnet
from linnet.utils.download import DownloadError, cache_root, get_file

CONTENT = b"some bytes\n" * 10_000
MD5 = hashlib.md5(CONTENT).hexdigest()
SHA256 = hashlib.sha256(CONTENT).hexdigest()
NO_SERVER = "http://127.0.0.1:9/data.bin"  # port 9, discard: nobody listens


class Server:
    def __init__(self) -> None:
        self.requests: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.requests.append(self.path)
                if "missing" in self.path:
                    self.send_error(404)
                    return
                body = {"/wrong/data.bin": b"other bytes", "/short/data.bin": CONTENT[:5000]}.get(self.path, CONTENT)
                self.send_response(200)
                # The short one announces more than it sends, like a connection that breaks.
                self.send_header("Content-Length", str(len(CONTENT if "short" in self.path else body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("LINNET_CACHE", str(tmp_path / "cache"))
    for proxy in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(proxy, raising=False)
    server = Server()
    thread = threading.Thread(target=server.http.serve_forever)
    thread.start()
    yield server
    server.http.shutdown()
    thread.join()
    server.http.server_close()


def cached(tmp_path: Path) -> list[str]:
    return sorted(str(p.relative_to(tmp_path / "cache")) for p in (tmp_path / "cache").rglob("*") if p.is_file())


def test_downloads_once(server: Server, tmp_path: Path) -> None:
    for _ in range(2):
        path = get_file(origin=f"{server.url}/data.bin", md5_hash=MD5, file_hash=SHA256)
        assert Path(path).read_bytes() == CONTENT
    assert server.requests == ["/data.bin"]
    assert cached(tmp_path) == ["datasets/data.bin"]


def test_name_folder_and_force(server: Server, tmp_path: Path) -> None:
    for force in (False, True):
        path = get_file("own.bin", f"{server.url}/data.bin", cache_dir=tmp_path / "cache", cache_subdir="a/b",
                        force_download=force)  # fmt: skip
    assert cached(tmp_path) == ["a/b/own.bin"]
    assert path.endswith("own.bin")
    assert len(server.requests) == 2


def test_a_damaged_file_in_the_cache_is_fetched_again(server: Server) -> None:
    path = Path(get_file(origin=f"{server.url}/data.bin", md5_hash=MD5))
    path.write_bytes(CONTENT[:100])
    get_file(origin=f"{server.url}/data.bin", md5_hash=MD5)
    assert path.read_bytes() == CONTENT


def test_mirrors_are_tried_in_order(server: Server, tmp_path: Path) -> None:
    addresses = [NO_SERVER, f"{server.url}/missing/data.bin", f"{server.url}/wrong/data.bin", f"{server.url}/data.bin"]
    assert Path(get_file(origin=addresses, file_hash=SHA256)).read_bytes() == CONTENT
    assert server.requests == ["/missing/data.bin", "/wrong/data.bin", "/data.bin"]
    assert cached(tmp_path) == ["datasets/data.bin"]


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("/wrong", r"wrong checksum: md5 is [0-9a-f]{32}, expected " + MD5),
        ("/short", r"the connection broke after 5,000 of 110,000 bytes"),
        ("/missing", "HTTP 404"),
    ],
)
def test_failures_are_told_and_leave_nothing(server: Server, tmp_path: Path, where: str, message: str) -> None:
    with pytest.raises(DownloadError, match=message):
        get_file(origin=f"{server.url}{where}/data.bin", md5_hash=MD5)
    assert cached(tmp_path) == []


def test_no_network(server: Server, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=r"could not download data.bin\n  http://127.0.0.1:9/data.bin: no conn"):
        get_file(origin=NO_SERVER)
    assert cached(tmp_path) == []


def test_a_failed_download_keeps_the_old_file(server: Server) -> None:
    path = Path(get_file(origin=f"{server.url}/data.bin"))
    with pytest.raises(DownloadError):
        get_file(origin=f"{server.url}/wrong/data.bin", md5_hash=MD5, force_download=True)
    assert path.read_bytes() == CONTENT


def test_arguments() -> None:
    with pytest.raises(ValueError, match="expected an address"):
        get_file("name")
    with pytest.raises(ValueError, match="pass `fname`"):
        get_file(origin="http://127.0.0.1:9/")
    with pytest.raises(ValueError, match="hash_algorithm"):
        get_file(origin=NO_SERVER, file_hash=MD5, hash_algorithm="sha1")


def test_it_is_linnet_utils_get_file() -> None:
    assert linnet.utils.get_file is get_file


def test_the_cache_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINNET_CACHE", "/somewhere")
    assert cache_root() == Path("/somewhere")
    monkeypatch.delenv("LINNET_CACHE")
    assert cache_root() == Path("~/.cache/linnet").expanduser()
