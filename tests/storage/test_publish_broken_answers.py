"""Answers that get lost, and stores that do not do what they are asked: nothing is believed but what is read back."""

import pytest

from potstill.errors import InputError
from potstill.publish.fetching import fetch_bundle
from potstill.publish.pointer import load_pointer
from potstill.publish.storing import store_bundle
from potstill.store.conditions import PROBE, require_conditions
from potstill.store.places import open_place
from tests.published import files_of, make_plain_bundle
from tests.s3_server import new_bucket, point_to
from tests.storage.breaking_proxy import Answer, breaking, lose, pass_on, refuse

pytestmark = pytest.mark.s3


@pytest.fixture
def bundle(tmp_path):
    return make_plain_bundle(tmp_path / "bundle")


@pytest.fixture
def proxy(s3_bucket, s3_environment, monkeypatch):
    """A proxy before radosgw; its bucket is `proxy.bucket`."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")
    with breaking(s3_environment.endpoint) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        proxy.bucket = s3_bucket
        yield proxy


@pytest.fixture
def lenient(moto, monkeypatch):
    """A proxy before moto, which does not look at signatures and therefore at no header that is taken away."""
    point_to(moto, monkeypatch)
    bucket = new_bucket()
    with breaking(moto.endpoint) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        proxy.bucket = bucket
        yield proxy


def whole(proxy, bundle, out):
    """Tell whether a reader, whom nothing disturbs, gets the bundle."""
    proxy.fault = lambda _: None
    place = open_place(proxy.bucket)
    fetch_bundle(place, load_pointer(place, "headlines", "1.0.0"), out, lambda _: None)
    return files_of(out) == files_of(bundle)


def once(fault, which):
    """Break the first answer to what is asked so, and no other."""
    left = [1]

    def chosen(asked):
        if which(asked) and left[0]:
            left[0] -= 1
            return fault
        return None

    return chosen


def of_a_pointer(asked):
    return asked.method == "PUT" and "/releases/" in asked.path


def refusal(work):
    with pytest.raises(InputError) as refused:
        work()
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_the_answer_to_every_write_is_lost_once(proxy, bundle, tmp_path):
    """The pointer's second write is refused for its own first one; what is read back says that it is ours."""
    lost = set()

    def forgetful(asked):
        if asked.method != "PUT" or asked.path in lost:
            return None
        lost.add(asked.path)
        return lose

    proxy.fault = forgetful
    store_bundle(open_place(proxy.bucket), bundle)
    assert len(lost) == len(set(files_of(bundle).values())) + 2  # the list of the files is one of them; probe, pointer
    assert whole(proxy, bundle, tmp_path / "got")


def test_all_answers_to_the_deciding_write_are_lost(proxy, bundle, tmp_path):
    """Then nobody knows; the next run finds that it was done."""
    proxy.fault = lambda asked: lose if of_a_pointer(asked) else None
    assert "check AWS_ENDPOINT_URL and the network" in refusal(lambda: store_bundle(open_place(proxy.bucket), bundle))
    proxy.fault = lambda _: None
    assert store_bundle(open_place(proxy.bucket), bundle).uploaded == 0
    assert whole(proxy, bundle, tmp_path / "got")


@pytest.mark.parametrize(("status", "code"), [(503, "SlowDown"), (500, "InternalError"), (409, "OperationAborted")])
def test_a_store_that_is_busy_is_asked_again(proxy, bundle, tmp_path, status, code):
    proxy.fault = once(refuse(status, code), of_a_pointer)
    store_bundle(open_place(proxy.bucket), bundle)
    assert whole(proxy, bundle, tmp_path / "got")


def test_a_store_that_never_decides_is_one_line(proxy, bundle):
    proxy.fault = lambda asked: refuse(409, "ConditionalRequestConflict") if of_a_pointer(asked) else None
    assert "which of several writers is first; run again" in refusal(
        lambda: store_bundle(open_place(proxy.bucket), bundle)
    )


def test_a_store_that_knows_no_conditions_is_one_line(proxy, bundle):
    proxy.fault = lambda asked: refuse(501, "NotImplemented") if asked.only_new else None
    assert "(If-None-Match); use another store" in refusal(lambda: store_bundle(open_place(proxy.bucket), bundle))


def test_a_store_that_ignores_conditions_gets_no_file(lenient, bundle):
    lenient.withheld = ("if-none-match",)
    said = refusal(lambda: store_bundle(open_place(lenient.bucket), bundle))
    assert said.startswith(f"{lenient.bucket}: the store ignores If-None-Match")
    assert open_place(lenient.bucket).keys() == [PROBE]


def test_a_store_that_refuses_and_writes_all_the_same_is_found_out(lenient, bundle):
    """Its answers are those of a store that heeds the condition."""
    lenient.withheld = ("if-none-match",)
    seen = set()

    def lying(asked):
        first = asked.path not in seen
        seen.add(asked.path)
        return refuse(412, "PreconditionFailed") if asked.only_new and not first else None

    lenient.fault = lying
    assert "ignores If-None-Match" in refusal(lambda: store_bundle(open_place(lenient.bucket), bundle))


def test_what_heeds_conditions_passes_as_often_as_it_is_asked(place):
    for _ in range(3):
        require_conditions(place)
    assert place.keys() == [PROBE]


def test_a_store_that_damages_what_it_keeps_is_refused(lenient, bundle):
    def damaging(handler, answer):
        body = answer.body[:-1] + b"?" if answer.status == 206 else answer.body
        pass_on(handler, Answer(answer.status, answer.headers, body))

    lenient.fault = lambda asked: damaging if asked.method == "GET" and "/blobs/" in asked.path else None
    said = refusal(lambda: store_bundle(open_place(lenient.bucket), bundle))
    assert "reads other than it was written" in said
    lenient.fault = lambda _: None
    assert open_place(lenient.bucket).keys("releases") == []


def test_a_store_that_forgets_the_name_is_refused(lenient, bundle):
    """It says that the pointer was written, and has none."""
    lenient.fault = lambda asked: (
        refuse(404, "NoSuchKey") if asked.method == "GET" and "/releases/" in asked.path else None
    )
    assert "does not show the release that was just written" in refusal(
        lambda: store_bundle(open_place(lenient.bucket), bundle)
    )


def test_publishing_needs_no_right_to_delete(proxy, bundle):
    store_bundle(open_place(proxy.bucket), bundle)
    assert {each.method for each in proxy.asked} == {"GET", "HEAD", "PUT"}
    assert [each.path.rpartition("/")[2] for each in proxy.asked if each.only_new] == [
        *[PROBE] * 2,
        f"{load_pointer(open_place(proxy.bucket), 'headlines', '1.0.0').bundle}.json",
        "1.0.0.json",
    ]


def test_without_the_right_to_write_it_is_one_line(proxy, bundle):
    proxy.fault = lambda asked: refuse(403, "AccessDenied") if asked.method == "PUT" else None
    assert "access refused (AccessDenied)" in refusal(lambda: store_bundle(open_place(proxy.bucket), bundle))
