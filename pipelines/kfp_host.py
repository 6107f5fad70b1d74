"""Kubeflow Pipelines at an address: KFP's own client, asked once, and every failure in one line."""

import io
import json
import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import kfp
import kfp_server_api  # type: ignore[import-untyped]
from kfp.client.set_volume_credentials import ServiceAccountTokenVolumeCredentials
from urllib3 import Retry
from urllib3.exceptions import HTTPError, SSLError

from pipelines.parameters import Values
from potstill.errors import InputError, JobError, OptionError
from potstill.one_line import one_line
from potstill.store.s3 import masked

TOKEN_FILE = "KF_PIPELINES_SA_TOKEN_PATH"  # noqa: S105 - KFP's own variable: a file with a token
CERTIFICATES = "SSL_CERT_FILE"
TIMEOUTS = (10, 30)  # seconds to connect, and of silence in an answer; the client's own are none
OF_A_HEALTHY_KFP = {"multi_user", "pipeline_store"}
WAYS_OUT = {
    401: f"put a token into a file, and its path into {TOKEN_FILE}",
    403: "ask for the right to run pipelines there; --namespace says where",
    404: "check the address: KFP 2 answers below /apis/v2beta1",
}


class KfpHost:
    """One KFP; credentials come from the environment alone, as KFP's client reads them."""

    def __init__(self, address: str, namespace: str = "") -> None:
        """Connect.

        Raises:
            OptionError: not a web address, or one with credentials in it.
            JobError: nothing answers there, or it refuses.
        """
        if not address.startswith(("http://", "https://")):
            raise OptionError(f"--submit takes KFP's address, as http://localhost:8080, got {one_line(address)!r}")
        if masked(address) != address:
            raise OptionError(f"{masked(address)} has credentials in it; put a token's file into {TOKEN_FILE}")
        self.address = address.rstrip("/")
        self._namespace = namespace
        with self._told():
            self._client = _connect(self.address, namespace)

    def url(self, run: str) -> str:
        """Where a person looks at a run."""
        return f"{os.environ.get('KF_PIPELINES_UI_ENDPOINT', self.address).rstrip('/')}/#/runs/details/{run}"

    def create_run(
        self, package: Path, arguments: Values, *, name: str, experiment: str, service_account: str, fresh: bool
    ) -> str:
        """Start a run; → its id."""
        with self._told():
            started = self._client.create_run_from_pipeline_package(
                str(package),
                arguments=arguments,
                run_name=name,
                experiment_name=experiment,
                namespace=self._namespace or None,
                service_account=service_account or None,
                enable_caching=False if fresh else None,
            ).run_id
            if not started:
                raise ValueError("it started no run")
            return str(started)

    def run(self, run: str) -> Any:
        """Ask for a run: its state, and those of its tasks."""
        with self._told():
            found = self._client.get_run(run)
            if found.run_id != run:
                raise ValueError(f"asked for run {run}, it tells of {found.run_id}")
            return found

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Keep the client quiet, and say its failures in one line."""
        retries = logging.getLogger("urllib3.connectionpool")
        level = retries.level
        retries.setLevel(logging.ERROR)
        try:
            with redirect_stdout(io.StringIO()), warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)  # of betas of KFP 2
                yield
        except kfp_server_api.ApiException as refused:
            raise JobError(_refusal(self.address, refused)) from refused
        except HTTPError as silent:
            raise JobError(_silence(self.address, silent)) from silent
        except ValueError as broken:  # an answer that is none of KFP's
            raise JobError(f"{self.address} does not answer as KFP does: {one_line(str(broken))}") from broken
        finally:
            retries.setLevel(level)


def may_pass(failed: JobError) -> bool:
    """Tell whether KFP may answer yet: it was silent, busy or moving, and has not refused."""
    status = getattr(failed.__cause__, "status", None) or 0
    return isinstance(failed.__cause__, HTTPError) or status >= 500 or status == 429


def _silence(address: str, silent: HTTPError) -> str:
    reason = getattr(silent, "reason", None) or silent
    way_out = "is its port forwarded?"
    if isinstance(reason, SSLError):
        way_out = f"{CERTIFICATES} names a file with its authority's certificates; a plain port is http://"
    return f"KFP does not answer at {address} ({one_line(str(reason))}); {way_out}"


def _refusal(address: str, refused: Any) -> str:
    way_out = WAYS_OUT.get(refused.status)
    told = f"KFP at {address} refuses ({refused.status}): {one_line(_message(refused))}"
    return f"{told}; {way_out}" if way_out else told


def _message(refused: Any) -> str:
    """KFP's own words out of its JSON; whatever else answers in its place, such as a proxy, by its status."""
    try:
        said = json.loads(refused.body)
        return str(said.get("message") or said.get("error") or refused.reason)
    except (TypeError, ValueError, AttributeError):
        return str(refused.reason)


class _AsksOnce(kfp.Client):  # type: ignore[misc]
    """KFP's client, which asks five times with tracebacks on the screen before it gives up, and waits for ever."""

    def _load_config(self, *given: Any, **named: Any) -> Any:
        config = super()._load_config(*given, **named)
        config.retries = Retry(3, read=0)  # who waits for a run asks again by itself, as long as PATIENCE has it
        return config

    def get_kfp_healthz(self, sleep_duration: int = 0) -> Any:  # noqa: ARG002 - the client's own signature
        answer = self.healthzs.healthz_service_get_healthz(_request_timeout=TIMEOUTS)
        said = json.loads(self.healthzs.api_client.last_response.data)  # the client makes an answer of any text
        if not isinstance(said, dict) or (said and not OF_A_HEALTHY_KFP & said.keys()):
            raise ValueError(f"asked for its health, it says {one_line(json.dumps(said))[:80]}")
        return answer


def _connect(address: str, namespace: str) -> Any:
    given = {"namespace": namespace} if namespace else {}
    if os.environ.get(TOKEN_FILE):
        given["credentials"] = _token(Path(os.environ[TOKEN_FILE]))
    client = _AsksOnce(host=address, ssl_ca_cert=os.environ.get(CERTIFICATES), **given)
    _bound(client.healthzs.api_client.rest_client)
    client.get_kfp_healthz()
    return client


def _bound(http: Any) -> None:
    """Give every question its timeouts: the client passes none on, and overrides those of its pool."""
    asked = http.request
    http.request = lambda *given, **named: asked(*given, **named | {"_request_timeout": TIMEOUTS})


def _token(path: Path) -> Any:
    try:
        path.read_bytes()
    except OSError as absent:
        raise InputError(f"{TOKEN_FILE} names {path}, which cannot be read: {absent.strerror}") from absent
    return ServiceAccountTokenVolumeCredentials(str(path))
