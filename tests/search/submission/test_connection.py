"""Reaching a job server: addresses, tokens, and what is said where that fails."""

from __future__ import annotations

import http.server
import threading

import pytest

from search.errors import EngineError, OptionError
from search.submission.connection import Connection, check_address, connect
from search.submission.jobs import find_job, list_jobs
from tests.clusters import LoopbackCluster, free_ports


@pytest.fixture(scope="module")
def cluster():
    started = LoopbackCluster(cpus=1)
    yield started
    started.close()


@pytest.mark.parametrize("address", ["ray://head:10001", "head:6379", "auto", "ftp://head", ""])
def test_only_a_dashboard_s_url_is_an_address(address):
    with pytest.raises(OptionError, match="takes the URL of the cluster's dashboard"):
        check_address(address)


def test_a_password_in_the_address_is_refused_without_being_repeated():
    with pytest.raises(OptionError) as caught:
        check_address("http://ada:s3cret-word@head:8265")
    assert "s3cret-word" not in str(caught.value)


def test_where_nothing_listens_a_tunnel_is_suggested():
    (port,) = free_ports(1)
    with pytest.raises(EngineError, match=f"no Ray cluster answers at .*:{port} .*ssh -L"):
        connect(f"http://127.0.0.1:{port}")


def test_a_web_server_that_is_no_dashboard_is_told_apart(tmp_path, monkeypatch):
    monkeypatch.setenv("RAY_AUTH_TOKEN", "token")
    monkeypatch.chdir(tmp_path)

    class Silent(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Silent) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(EngineError, match="404"):
            connect(f"http://127.0.0.1:{server.server_address[1]}")
        server.shutdown()


@pytest.mark.parametrize(
    ("address", "plain"),
    [
        ("http://127.0.0.1:8265", False),
        ("http://localhost:8265", False),
        ("https://head", False),
        ("http://head:8265", True),
    ],
)
def test_what_can_be_read_on_its_way(address, plain):
    assert Connection(None, address, "token").is_plain is plain


@pytest.mark.ray
@pytest.mark.slow  # a head with its dashboard costs ten seconds
def test_a_client_without_the_token_or_with_another_one_is_told_so(cluster, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(
        EngineError, match=r"asks for its token, and there is none here: set RAY_AUTH"
    ):
        connect(cluster.address)
    monkeypatch.setenv("RAY_AUTH_TOKEN", "a-wrong-token")
    with pytest.raises(EngineError, match="refuses this client's token") as caught:
        connect(cluster.address)
    assert "a-wrong-token" not in str(caught.value)


@pytest.mark.ray
@pytest.mark.slow  # a head with its dashboard costs ten seconds
def test_a_client_with_the_token_sees_the_jobs_whatever_ray_address_says(cluster, monkeypatch):
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(cluster.token_file))
    monkeypatch.setenv("RAY_ADDRESS", "http://192.0.2.1:9")  # Ray would prefer it
    connection = connect(f"{cluster.address}/")
    assert (connection.address, connection.is_open) == (cluster.address, False)
    assert list_jobs(connection) == []
    with pytest.raises(OptionError, match="no job 'toy' on http"):
        find_job(connection, "toy")
