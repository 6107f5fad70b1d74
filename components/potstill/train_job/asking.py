"""What a cluster refused, or that it cannot be reached, in one line."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from kubernetes.client import ApiException
from kubernetes.config import ConfigException
from urllib3.exceptions import HTTPError

from potstill.errors import JobError

FORBIDDEN = 403


@contextmanager
def asking(what: str) -> Iterator[None]:
    """Turn what the SDK and the Kubernetes client raise into a JobError.

    Args:
        what: what is asked of the cluster, as `create TrainJob x`.
    """
    try:
        yield
    except ApiException as refused:
        raise _refused(what, refused) from refused
    except (RuntimeError, TimeoutError) as failed:  # the SDK's own
        cause = failed.__cause__ or failed
        raise (_refused if isinstance(cause, ApiException) else _unreachable)(what, cause) from failed
    except (HTTPError, ConfigException, OSError) as failed:
        raise _unreachable(what, failed) from failed


def _refused(what: str, refused: ApiException) -> JobError:
    why = _message(refused)
    if refused.status == FORBIDDEN:
        return JobError(f"cannot {what}: {why}; grant the launcher's service account the Role of train_job/README.md")
    return JobError(f"cannot {what}: {why} (HTTP {refused.status})")


def _message(refused: ApiException) -> str:
    try:
        return str(json.loads(refused.body)["message"])
    except (TypeError, ValueError, KeyError):
        return str(refused.reason)


def _unreachable(what: str, failed: BaseException) -> JobError:
    why = " ".join(str(failed).split()) or type(failed).__name__
    return JobError(f"cannot {what}: {why}")
