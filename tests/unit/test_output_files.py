"""Single files beside a sealed folder: refused before any work where they would harm, replaced where they are ours."""

import pytest

from potstill.artifacts import TOKENS, expect, seal
from potstill.errors import ArtifactError
from potstill.output_files import OutputFile, claim_files
from potstill.output_folder import creating


def claim(folder, **paths):
    claim_files({name: OutputFile(path, lambda text: text.startswith("ours")) for name, path in paths.items()}, folder)


@pytest.fixture
def sealed(tmp_path):
    with creating(tmp_path / "made", TOKENS) as folder:
        (folder / "inner").mkdir()
        (folder / "inner" / "a").write_text("ours")
        return seal(folder, TOKENS, {"stage": "test"}, {}, {}).path


@pytest.mark.parametrize("text", [None, "", "ours, of an earlier run"])
def test_new_empty_and_own_files_may_be_written(tmp_path, text):
    if text is not None:
        (tmp_path / "page").write_text(text)
    claim(tmp_path / "out", page=tmp_path / "page", figures=tmp_path / "new" / "folder" / "figures")
    assert (tmp_path / "new" / "folder").is_dir()
    assert not (tmp_path / "new" / "folder" / "figures").exists()


@pytest.mark.parametrize("content", ["text,label\n", "not ours".encode("utf-16")])
def test_a_file_of_a_user_is_refused(tmp_path, content):
    file = tmp_path / "table.csv"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    before = file.read_bytes()
    with pytest.raises(ArtifactError, match=r"page .*table.csv is a file that potstill did not write; pass other"):
        claim(tmp_path / "out", page=file)
    assert file.read_bytes() == before


@pytest.mark.parametrize("inside", ["artifact.json", "new", "inner/a", "inner/new"])
def test_a_file_in_a_sealed_folder_is_refused(tmp_path, sealed, inside):
    with pytest.raises(ArtifactError, match="which is sealed and would be broken"):
        claim(tmp_path / "out", page=sealed / inside)
    expect(sealed, TOKENS)


def test_a_link_into_a_sealed_folder_is_refused(tmp_path, sealed):
    (tmp_path / "link").symlink_to(sealed / "inner" / "a")
    with pytest.raises(ArtifactError, match="which is sealed and would be broken"):
        claim(tmp_path / "out", page=tmp_path / "link")


def test_all_offenders_are_named_at_once(tmp_path):
    (tmp_path / "folder").mkdir()
    same = tmp_path / "folder" / ".." / "same"
    with pytest.raises(ArtifactError) as refused:
        claim(tmp_path / "out", one=tmp_path / "same", two=same, three=tmp_path / "folder", four=tmp_path / "out" / "x")
    told = str(refused.value)
    assert f"one and two are one file, {tmp_path / 'same'}" in told
    assert f"three {tmp_path / 'folder'} is not a plain file" in told
    assert f"four {tmp_path / 'out' / 'x'} and the folder {tmp_path / 'out'} cannot both be written" in told
    assert "\n" not in told


def test_a_file_where_the_folder_must_go_is_refused(tmp_path):
    with pytest.raises(ArtifactError, match="cannot both be written"):
        claim(tmp_path / "runs" / "out", page=tmp_path / "runs")


def test_a_place_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ArtifactError, match="cannot be written"):
        claim(tmp_path / "out", page=tmp_path / "file" / "page")


def test_a_text_is_written_whole_or_not_at_all(tmp_path):
    from potstill.output_files import write_whole

    path = tmp_path / "page.html"
    write_whole(path, "一\n")
    assert path.read_bytes() == "一\n".encode()
    with pytest.raises(UnicodeEncodeError):
        write_whole(path, "half \ud800")
    assert path.read_bytes() == "一\n".encode()
    assert [each.name for each in tmp_path.iterdir()] == ["page.html"]
