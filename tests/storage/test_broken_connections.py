"""A store that breaks every connection off ends in one line, not in what boto3 raises."""

import threading
from http.server import BaseHTTPRequestHandler

import pytest

from potstill.errors import InputError, OptionError
from potstill.store.places import open_place
from tests.http_server import HttpServer


class Breaking(BaseHTTPRequestHandler):
    """Promises a thousand bytes and sends ten; closes on whoever writes."""

    def do_HEAD(self):
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.send_header("ETag", '"x"')
        self.end_headers()

    def do_GET(self):
        self.do_HEAD()
        self.wfile.write(b"x" * 10)
        self.wfile.flush()
        self.connection.close()

    def do_PUT(self):
        self.connection.close()

    def log_message(self, *_):
        return


@pytest.fixture
def place(monkeypatch):
    server = HttpServer(("127.0.0.1", 0), Breaking)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_MAX_ATTEMPTS": "1",
    }.items():
        monkeypatch.setenv(name, value)
    yield open_place("s3://bucket/states")
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("ask", [lambda place: place.read("state"), lambda place: place.write("state", b"1" * 100)])
def test_a_connection_that_breaks_off_is_told_in_one_line(place, ask):
    with pytest.raises(InputError, match="AWS_ENDPOINT_URL and the network") as refused:
        ask(place)
    assert "\n" not in str(refused.value)


def test_a_password_in_the_endpoint_is_not_told(place, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://somebody:hunter2@127.0.0.1:9")
    with pytest.raises(InputError) as refused:
        open_place("s3://bucket/states").read("state")
    assert "hunter2" not in str(refused.value)


def test_credentials_in_a_uri_are_refused_and_not_told():
    with pytest.raises(OptionError, match="has credentials in it") as refused:
        open_place("s3://AKIAKEY:hunter2@bucket/states")
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"])
def test_a_credential_with_a_line_break_is_named_and_not_told(monkeypatch, name):
    monkeypatch.setenv(name, "TOPSECRET\n")
    with pytest.raises(InputError, match=f"{name} has a line break or a space") as refused:
        open_place("s3://bucket/states")
    assert "TOPSECRET" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"), [("AWS_PROFILE", "nope"), ("AWS_MAX_ATTEMPTS", "rubbish"), ("AWS_RETRY_MODE", "rubbish")]
)
def test_a_setting_that_boto3_does_not_take_is_no_matter_of_the_network(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match="check what the AWS variables and files say") as refused:
        open_place("s3://bucket/states")
    assert name in str(refused.value)
    assert "network" not in str(refused.value)
