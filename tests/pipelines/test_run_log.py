"""What a run shows of what its steps say."""

from pipelines.run_log import RunLog


def test_what_a_step_tells_of_itself_is_shown(tmp_path, capsys):
    with RunLog(tmp_path / "run.log") as log:
        log.write("    ▸ teacher: taken up again from file:///states/00000053-0000\n")
        log.write("    a library's own words\n")
    assert capsys.readouterr().err == "  teacher: taken up again from file:///states/00000053-0000\n"
    assert "a library's own words" in (tmp_path / "run.log").read_text(encoding="utf-8")
