"""A small Kubeflow Pipelines API that speaks HTTP: what KFP's own client asks of it to start a run and to look at it.

    kfp_api      the server, empty, with one user

It is strict where KFP's API server is: a pipeline must be a PipelineSpec and a PlatformSpec to the last field, every
parameter must be declared and of its type, none may be lacking, and an experiment must exist. Paths and names are those
of KFP 2.17 (backend/api/v2beta1). A run goes through the states that a test lists, one further with every question.
"""

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from tests.http_server import HttpServer

BASE = "/apis/v2beta1"
RUN = re.compile(rf"^{BASE}/runs/([^/:]+)$")
OF_A_RUN = {
    "experiment_id", "display_name", "description", "pipeline_spec", "pipeline_version_reference", "runtime_config",
    "service_account",
}  # fmt: skip
TYPES = {"STRING": (str,), "NUMBER_INTEGER": (int,), "NUMBER_DOUBLE": (int, float), "BOOLEAN": (bool,)}


class Refused(Exception):  # noqa: N818 - an answer, in HTTP
    """What KFP answers instead: a status of HTTP, a code of gRPC, a message."""


class KfpApi:
    """The host.

    Attributes:
        url: its address.
        token: what a caller must bear; empty for anyone.
        multi_user: whether runs need a namespace.
        runs: bodies of the runs that were started, by id.
        frames: what a question for a run is answered with, one after the other, the last for good: a run's fields, or
            an HTTP status.
        asked: every request, as `POST /apis/v2beta1/runs`.
        instead: when given, the body of every answer: something else listens there, and finds all well.
    """

    def __init__(self) -> None:
        self.url = ""
        self.token = ""
        self.multi_user = False
        self.experiments: list[dict[str, Any]] = []
        self.runs: dict[str, dict[str, Any]] = {}
        self.frames: list[dict[str, Any] | int] = [{"state": "SUCCEEDED"}]
        self.asked: list[str] = []
        self.instead: bytes | None = None

    def create_experiment(self, body: dict[str, Any]) -> dict[str, Any]:
        unknown = body.keys() - {"display_name", "description", "namespace"}
        if unknown or not body.get("display_name"):
            raise Refused(400, 3, f"InvalidInputError: experiment {body}")
        if self.multi_user and not body.get("namespace"):
            raise Refused(400, 3, "InvalidInputError: Invalid resource references for experiment. Namespace is empty")
        if any(each["display_name"] == body["display_name"] for each in self.experiments):
            raise Refused(409, 6, f"AlreadyExistError: the name {body['display_name']} already exists")
        made = body | {"experiment_id": f"experiment-{len(self.experiments)}"}
        self.experiments.append(made)
        return made

    def list_experiments(self, query: dict[str, list[str]]) -> dict[str, Any]:
        (predicate,) = json.loads(query["filter"][0])["predicates"]
        assert (predicate["operation"], predicate["key"]) == (1, "display_name")  # EQUALS
        found = [each for each in self.experiments if each["display_name"] == predicate["stringValue"]]
        return {"experiments": found} if found else {}  # gRPC's gateway leaves an empty list out

    def create_run(self, body: dict[str, Any]) -> dict[str, Any]:
        unknown = body.keys() - OF_A_RUN
        if unknown or not body.get("display_name"):
            raise Refused(400, 3, f"InvalidInputError: unknown fields {sorted(unknown)}")
        if body.get("experiment_id") not in [each["experiment_id"] for each in self.experiments]:
            raise Refused(404, 5, f"ResourceNotFoundError: Experiment {body.get('experiment_id')} not found")
        check_parameters(pipeline_of(body), body["runtime_config"].get("parameters", {}))
        run = f"run-{len(self.runs)}"
        self.runs[run] = body
        return {"run_id": run, "display_name": body["display_name"], "state": "PENDING"}

    def get_run(self, run: str) -> dict[str, Any]:
        if run not in self.runs:
            raise Refused(404, 5, f"ResourceNotFoundError: Run {run} not found")
        frame = self.frames.pop(0) if len(self.frames) > 1 else self.frames[0]
        if isinstance(frame, int):
            raise Refused(frame, 14, "InternalServerError: upstream connect error")
        return {"run_id": run, "display_name": self.runs[run]["display_name"], **frame}


def pipeline_of(body: dict[str, Any]) -> pipeline_spec_pb2.PipelineSpec:
    """The pipeline that was sent, when it and what it says of a platform are what their schemas allow."""
    sent = body["pipeline_spec"]
    both = sent if "pipeline_spec" in sent else {"pipeline_spec": sent}
    try:
        assert both.keys() <= {"pipeline_spec", "platform_spec"}
        json_format.ParseDict(both.get("platform_spec", {}), pipeline_spec_pb2.PlatformSpec())
        return json_format.ParseDict(both["pipeline_spec"], pipeline_spec_pb2.PipelineSpec())
    except (json_format.ParseError, AssertionError) as broken:
        raise Refused(400, 3, f"InvalidInputError: {broken}") from broken


def check_parameters(spec: pipeline_spec_pb2.PipelineSpec, given: dict[str, Any]) -> None:
    """As backend/src/apiserver/template does."""
    declared = spec.root.input_definitions.parameters
    for name, value in given.items():
        if name not in declared:
            raise Refused(400, 3, f"InvalidInputError: parameter {name} is not defined in the pipeline")
        kind = type(spec.root.input_definitions.parameters[name]).DESCRIPTOR.fields_by_name["parameter_type"]
        wanted = kind.enum_type.values_by_number[declared[name].parameter_type].name
        if type(value) not in TYPES[wanted]:  # True is an int, and none here
            raise Refused(400, 3, f"InvalidInputError: input parameter {name} requires type {wanted}, got {value!r}")
    lacking = [name for name, each in declared.items() if not each.is_optional and name not in given]
    if lacking:
        raise Refused(400, 3, f"InvalidInputError: missing parameters {lacking}")


class Handler(BaseHTTPRequestHandler):
    """HTTP in front of the host."""

    host: KfpApi
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._post)

    def _get(self, path: str, query: dict[str, list[str]]) -> dict[str, Any]:
        if path == f"{BASE}/healthz":
            return {"multi_user": self.host.multi_user}
        if path == f"{BASE}/experiments":
            return self.host.list_experiments(query)
        if found := RUN.match(path):
            return self.host.get_run(found[1])
        raise Refused(404, 5, "Not Found")

    def _post(self, path: str, _query: dict[str, list[str]]) -> dict[str, Any]:
        assert self.headers["Content-Type"] == "application/json"
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if path == f"{BASE}/experiments":
            return self.host.create_experiment(body)
        if path == f"{BASE}/runs":
            return self.host.create_run(body)
        raise Refused(404, 5, "Not Found")

    def _answer(self, work: Any) -> None:
        split = urlsplit(self.path)
        self.host.asked.append(f"{self.command} {split.path}")
        try:
            self._known()
            status, body = 200, work(split.path, parse_qs(split.query))
        except Refused as refused:
            status, code, message = refused.args
            body = {"error": message, "code": code, "message": message, "details": []}
        content = json.dumps(body).encode()
        if self.host.instead is not None:
            status, content = 200, self.host.instead
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        if status != 200:  # what a refused request brought may lie unread
            self.close_connection = True
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)

    def _known(self) -> None:
        if self.host.token and self.headers.get("authorization") != f"Bearer {self.host.token}":
            raise Refused(401, 16, "Unauthenticated: Request header error: there is no user identity header")

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def kfp_api(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Iterator[KfpApi]:
    for name in ("KF_PIPELINES_ENDPOINT", "KF_PIPELINES_UI_ENDPOINT", "KF_PIPELINES_SA_TOKEN_PATH", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("kfp.Client._LOCAL_KFP_CONTEXT", str(tmp_path / "no-context.json"))  # what a person has set up
    host = KfpApi()
    server = HttpServer(("127.0.0.1", 0), type("Mine", (Handler,), {"host": host}))
    host.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield host
    server.shutdown()
    thread.join()
    server.server_close()
