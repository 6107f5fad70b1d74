"""Sending a pipeline to a cluster: KFP's real client, over HTTP, to a host that is strict about what it is sent."""

import signal
import socket
import threading
import time
from pathlib import Path

import pytest
import yaml

from pipelines import follow, kfp_host
from pipelines.assisted import assisted
from pipelines.command import main
from pipelines.compress import compress
from pipelines.export_only import export_only
from pipelines.placement_file import Placement

PARAMS = Path(__file__).parents[2] / "pipelines" / "params"
SOURCES = ("--data", "s3://bucket/data", "--start", "s3://bucket/start/")
DIGESTS = ("--set", "data_digest=aa", "start_digest=bb")


@pytest.fixture(autouse=True)
def hurried(monkeypatch):
    monkeypatch.setattr(follow, "EVERY", 0.01)
    monkeypatch.setattr(follow, "PATIENCE", 0.3)


def sent(api):
    (body,) = api.runs.values()
    return body


def task(name, state, **more):
    times = {"start_time": "2026-11-22T10:00:00Z", "end_time": "2026-11-22T10:00:42Z"} if state == "SUCCEEDED" else {}
    return {"task_id": f"id-{name}", "display_name": name, "state": state, **times, **more}


def test_a_pipeline_is_sent_with_its_parameters_typed(kfp_api, capsys):
    arguments = ["--params", str(PARAMS / "demo.yaml"), *SOURCES, *DIGESTS, "teacher_learning_rate=1"]
    assert main(compress, ["--submit", kfp_api.url, *arguments]) == 0
    body = sent(kfp_api)
    given = body["runtime_config"]["parameters"]
    assert given["data_uri"] == "s3://bucket/data"
    assert given["start_uri"] == "s3://bucket/start"  # KFP's importer would make another artifact of start/
    assert (given["data_digest"], given["max_length"], given["control"]) == ("aa", 32, True)
    assert yaml.safe_load(given["budgets"]) == {"max_size_mb": 7.5, "max_accuracy_loss": 2.0}
    assert "data" not in given
    assert body["service_account"] == Placement().service_account
    assert body["display_name"].startswith("potstill-compress 20")
    assert capsys.readouterr().out == f"{kfp_api.url}/#/runs/details/run-0\n"


def test_the_tiny_run_can_be_sent(kfp_api):
    assert main(compress, ["--submit", kfp_api.url, "--params", str(PARAMS / "tiny.yaml"), *SOURCES]) == 0
    assert sent(kfp_api)["runtime_config"]["parameters"]["max_length"] == 16


@pytest.mark.parametrize("pipeline", [compress, assisted, export_only], ids=lambda each: each.name)
def test_every_pipeline_can_be_sent(pipeline, kfp_api):
    assert main(pipeline, ["--submit", kfp_api.url, *SOURCES]) == 0
    assert sent(kfp_api)["pipeline_spec"]["pipeline_spec"]["pipelineInfo"]["name"] == pipeline.name


def test_what_is_sent_is_what_compiling_writes(kfp_api, tmp_path):
    from pipelines.compile import compile_all

    main(compress, ["--submit", kfp_api.url, *SOURCES])
    compile_all(tmp_path)
    spec, platform = yaml.safe_load_all((tmp_path / "pipelines" / "compress.yaml").read_text())
    assert sent(kfp_api)["pipeline_spec"] == {"pipeline_spec": spec, "platform_spec": platform}


def test_placement_experiment_and_caching_are_asked_for(kfp_api, tmp_path):
    (tmp_path / "place.yaml").write_text("service_account: ours\nall: {node_selector: {pool: p}}\n")
    options = ["--placement", str(tmp_path / "place.yaml"), "--experiment", "headlines", "--fresh"]
    assert main(compress, ["--submit", kfp_api.url, *SOURCES, *options]) == 0
    body = sent(kfp_api)
    assert body["service_account"] == "ours"
    steps = body["pipeline_spec"]["platform_spec"]["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert all(step["nodeSelector"]["labels"] == {"pool": "p"} for step in steps.values())
    tasks = body["pipeline_spec"]["pipeline_spec"]["root"]["dag"]["tasks"]
    assert not any(each.get("cachingOptions", {}).get("enableCache") for each in tasks.values())
    assert [each["display_name"] for each in kfp_api.experiments] == ["headlines"]


def test_a_second_run_goes_under_the_same_experiment(kfp_api):
    for _ in range(2):
        assert main(compress, ["--submit", kfp_api.url, *SOURCES]) == 0
    assert [each["display_name"] for each in kfp_api.experiments] == ["potstill"]
    assert len(kfp_api.runs) == 2


def test_where_there_are_several_users_the_run_goes_to_a_namespace(kfp_api):
    kfp_api.multi_user = True
    assert main(compress, ["--submit", kfp_api.url, *SOURCES, "--namespace", "team"]) == 0
    assert kfp_api.experiments[0]["namespace"] == "team"


def test_a_token_comes_from_the_file_that_the_environment_names(kfp_api, tmp_path, monkeypatch, capsys):
    kfp_api.token = "secret-token"
    assert main(compress, ["--submit", kfp_api.url, *SOURCES]) == 2
    told = last_line(capsys)
    assert "refuses (401): Unauthenticated" in told
    assert "KF_PIPELINES_SA_TOKEN_PATH" in told
    (tmp_path / "token").write_text("secret-token")
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", str(tmp_path / "token"))
    assert main(compress, ["--submit", kfp_api.url, *SOURCES]) == 0
    both = capsys.readouterr()
    assert "secret-token" not in both.out + both.err
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", str(tmp_path / "absent"))
    assert main(compress, ["--submit", kfp_api.url, *SOURCES]) == 2
    assert "absent, which cannot be read: No such file" in last_line(capsys)


def test_the_url_is_that_of_the_pages_where_they_stand_elsewhere(kfp_api, monkeypatch, capsys):
    monkeypatch.setenv("KF_PIPELINES_UI_ENDPOINT", "https://kfp.example/")
    assert main(compress, ["--submit", kfp_api.url, *SOURCES]) == 0
    assert capsys.readouterr().out == "https://kfp.example/#/runs/details/run-0\n"


def test_images_by_tag_and_inputs_without_a_digest_are_warned_of_in_a_line_each(kfp_api, capsys):
    main(compress, ["--submit", kfp_api.url, *SOURCES])
    by_tag, open_end = capsys.readouterr().err.splitlines()
    assert by_tag.startswith("potstill: warning: ")
    assert "images go by tag, as potstill/" in by_tag
    assert "no data_digest and no start_digest" in open_end


def test_images_by_digest_are_not_warned_of(kfp_api, monkeypatch, capsys):
    digest = "sha256:" + "0" * 64
    monkeypatch.setattr("pipelines.submit._images", lambda _: {f"registry.example/potstill/prune@{digest}"})
    main(compress, ["--submit", kfp_api.url, *SOURCES, *DIGESTS])
    assert capsys.readouterr().err == ""


def test_waiting_tells_each_step_once_and_ends_as_the_run_does(kfp_api, capsys):
    driver, executor = task("tokenize-driver", "SUCCEEDED"), task("executor", "RUNNING")
    kfp_api.frames = [
        {"state": "PENDING"},
        {"state": "RUNNING", "run_details": {"task_details": [driver, executor, task("tokenize", "RUNNING")]}},
        {"state": "RUNNING", "run_details": {"task_details": [driver, task("tokenize", "RUNNING")]}},
        503,
        {"state": "RUNNING", "run_details": {"task_details": [task("tokenize", "SUCCEEDED")]}},
        {
            "state": "SUCCEEDED",
            "run_details": {"task_details": [task("tokenize", "SUCCEEDED"), task("teacher-train", "SKIPPED")]},
        },
    ]
    assert main(compress, ["--submit", kfp_api.url, *SOURCES, "--wait"]) == 0
    lines = [line for line in capsys.readouterr().err.splitlines() if "warning" not in line]
    assert lines[:4] == ["▸ tokenize", "  tokenize: done in 42 s", "▸ teacher-train", "  teacher-train: from the cache"]
    assert lines[4].startswith("run done after")
    assert len(lines) == 5


@pytest.mark.parametrize("state", ["FAILED", "CANCELED"])
def test_a_run_that_does_not_succeed_ends_with_1_and_says_why(state, kfp_api, capsys):
    broken = task("qat", "FAILED", error={"code": 2, "message": "OOMKilled (exit code 137)"})
    kfp_api.frames = [{"state": state, "run_details": {"task_details": [broken]}, "error": {"message": "child failed"}}]
    assert main(compress, ["--submit", kfp_api.url, *SOURCES, "--wait"]) == 1
    told = capsys.readouterr().err
    assert "  qat: FAILED: OOMKilled (exit code 137)" in told
    assert "child failed" in told


def test_kfp_that_falls_silent_while_waiting_ends_with_2_and_the_run_goes_on(kfp_api, capsys):
    kfp_api.frames = [{"state": "RUNNING"}, 503]
    assert main(compress, ["--submit", kfp_api.url, *SOURCES, "--wait"]) == 2
    told = last_line(capsys)
    assert "refuses (503)" in told
    assert f"the run goes on: {kfp_api.url}/#/runs/details/run-0" in told


def test_a_run_that_was_deleted_is_not_asked_for_again_and_again(kfp_api, capsys):
    kfp_api.frames = [404]
    assert main(compress, ["--submit", kfp_api.url, *SOURCES, "--wait"]) == 2
    assert "refuses (404)" in last_line(capsys)
    assert [each for each in kfp_api.asked if "/runs/run-0" in each] == ["GET /apis/v2beta1/runs/run-0"]


def test_ctrl_c_ends_the_waiting_and_not_the_run(kfp_api, capsys):
    kfp_api.frames = [{"state": "RUNNING"}]

    def interrupt():
        while not any("/runs/run-0" in each for each in kfp_api.asked):
            time.sleep(0.01)
        signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        assert main(compress, ["--submit", kfp_api.url, *SOURCES, "--wait"]) == 130
    finally:
        thread.join()
        signal.signal(signal.SIGINT, before)
    assert "waits no longer; the run goes on: http://127.0.0.1" in last_line(capsys)


def last_line(capsys):
    lines = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("potstill: warning")]
    assert len(lines) == 1, lines
    return lines[0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["--data", "headlines.csv", "--start", "google-bert/bert-base-chinese@" + "a" * 40],
            [
                "`potstill import-data --source headlines.csv --out data && aws s3 cp --recursive data s3://BUCKET/data`",
                "`potstill import-checkpoint --source google-bert/bert-base-chinese --out start --revision aaaa",
            ],
        ),
        (["--params", str(PARAMS / "demo.yaml")], ["--data thucnews-titles is not in the store", "--start m3e-small"]),
        (["--data", "s3://bucket", "--start", "s3://bucket/s"], ["s3://bucket is a whole bucket"]),
        (["--data", "s3://me:pass@bucket/d", "--start", "s3://bucket/s"], ["has credentials in it"]),
        ([*SOURCES, "--set", "checkpoint_uri=file:///tmp/c"], ["file:///tmp/c is gone with the pod"]),
        (["--data", "s3://bucket/d"], ["nothing is given for start"]),
        ([*SOURCES, "--set", "max_lenght=3"], ["unknown parameter max_lenght"]),
        ([*SOURCES, "--set", "threads=0"], ["threads should be greater than or equal to 1"]),
        ([*SOURCES, "--out", "here"], ["--out means nothing to a run on a cluster"]),
        ([*SOURCES, "--docker"], ["--docker and --submit exclude each other"]),
        ([*SOURCES, "--placement", "absent.yaml"], ["absent.yaml cannot be read as a placement file"]),
    ],
)
def test_nonsense_is_refused_in_one_line_before_kfp_is_asked(arguments, words, kfp_api, capsys):
    assert main(compress, ["--submit", kfp_api.url, *arguments]) == 2
    told = last_line(capsys)
    for word in words:
        assert word in told
    assert "pass@" not in told
    assert kfp_api.asked == []


def test_what_belongs_to_a_cluster_is_refused_without_one(capsys):
    assert main(compress, [*SOURCES, "--wait", "--placement", "p.yaml"]) == 2
    assert "--placement, --wait means nothing to a run without --submit" in last_line(capsys)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("", "--submit takes KFP's address, as http://localhost:8080, got ''"),  # $HOST, not set
        ("localhost:8080", "--submit takes KFP's address, as http://localhost:8080, got 'localhost:8080'"),
        ("http://me:pass@localhost:1", "http://***@localhost:1 has credentials in it"),
    ],
)
def test_an_address_that_is_none_is_refused(address, words, capsys):
    assert main(compress, ["--submit", address, *SOURCES, *DIGESTS]) == 2
    assert words in last_line(capsys)


def test_nobody_there_is_said_in_one_line(kfp_api, capsys):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    assert main(compress, ["--submit", f"http://127.0.0.1:{port}", *SOURCES]) == 2
    told = last_line(capsys)
    assert f"KFP does not answer at http://127.0.0.1:{port}" in told
    assert "Connection refused" in told


@pytest.mark.parametrize("instead", [b"<html>sign in</html>", b'{"ok": true}', b"[]", b"{}", b"null"])
def test_what_answers_anything_with_200_is_not_taken_for_kfp(instead, kfp_api, capsys):
    kfp_api.instead = instead
    assert main(compress, ["--submit", kfp_api.url, *SOURCES]) == 2
    both = capsys.readouterr()
    assert both.out == ""
    (told,) = [line for line in both.err.splitlines() if "warning" not in line]
    assert "does not answer as KFP does" in told


def test_an_answer_of_something_else_while_waiting_ends_the_waiting(kfp_api, capsys):
    kfp_api.frames = [{"state": "RUNNING"}, {"run_id": None}]
    assert main(compress, ["--submit", kfp_api.url, *SOURCES, "--wait"]) == 2
    assert "does not answer as KFP does: asked for run run-0, it tells of None" in last_line(capsys)


def test_a_host_that_accepts_and_never_answers_is_given_up(kfp_api, monkeypatch, capsys):
    monkeypatch.setattr(kfp_host, "TIMEOUTS", (0.2, 0.2))
    with socket.create_server(("127.0.0.1", 0)) as mute:
        address = f"http://127.0.0.1:{mute.getsockname()[1]}"
        assert main(compress, ["--submit", address, *SOURCES]) == 2
    assert "Read timed out" in last_line(capsys)


def test_kfp_that_hangs_while_waiting_is_given_up_after_patience(kfp_api, monkeypatch, capsys):
    monkeypatch.setattr(kfp_host, "TIMEOUTS", (0.2, 0.2))
    let_go = threading.Event()
    monkeypatch.setattr(kfp_api, "get_run", lambda _run: {"waited": let_go.wait(60)})
    assert main(compress, ["--submit", kfp_api.url, *SOURCES, "--wait"]) == 2
    let_go.set()
    told = last_line(capsys)
    assert "Read timed out" in told
    assert "the run goes on" in told


def test_a_certificate_that_is_not_known_names_where_authorities_go(kfp_api, capsys):
    address = kfp_api.url.replace("http:", "https:")
    assert main(compress, ["--submit", address, *SOURCES]) == 2
    told = last_line(capsys)
    assert "SSL_CERT_FILE" in told
    assert "forwarded" not in told


def test_what_kfp_refuses_is_said_in_kfps_words(kfp_api, capsys):
    kfp_api.multi_user = True  # and no --namespace
    assert main(compress, ["--submit", kfp_api.url, *SOURCES]) == 2
    assert "Namespace is empty" in last_line(capsys)


def test_something_else_at_the_address_is_said_in_one_line(kfp_api, capsys):
    assert main(compress, ["--submit", f"{kfp_api.url}/elsewhere", *SOURCES]) == 2
    told = last_line(capsys)
    assert "refuses (404): Not Found" in told
    assert "KFP 2 answers below /apis/v2beta1" in told


def test_help_teaches(capsys):
    with pytest.raises(SystemExit) as ended:
        main(compress, ["--help"])
    assert ended.value.code == 0
    told = " ".join(capsys.readouterr().out.replace("│", " ").split())
    for words in ("--submit", "http://localhost:8080", "import-data", "pipelines/params/placement/", "--wait"):
        assert words in told
