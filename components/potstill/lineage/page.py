"""The lineage as an HTML page that stands alone: the picture, and everything that the manifests say, to look up."""

from collections.abc import Iterator, Mapping
from typing import Any

from potstill.artifacts import Artifact
from potstill.evidence.whole import Evidence
from potstill.lineage.drawing import FONT, draw, in_words
from potstill.lineage.facts import code_of, digest_of_folder, nodes_of, stage_of
from potstill.lineage.highlights import highlights, option
from potstill.lineage.outputs import title_of
from potstill.lineage.shown import UNPROVED, markup

MARK = "potstill lineage"  # by which a page is known as ours, and may be written again
POLICY = "default-src 'none'; style-src 'unsafe-inline'"  # nothing is fetched, and nothing runs
STYLE = f"""
:root {{ color-scheme: light dark; --paper: #fff; --wash: #f5f6f9; --ink: #1b2130; --soft: #596274; --line: #d5dae3; }}
@media screen and (prefers-color-scheme: dark) {{
  :root {{ --paper: #12151b; --wash: #1a1e26; --ink: #e6e9f0; --soft: #a3acbd; --line: #3a4150; }}
}}
* {{ box-sizing: border-box; }}
body {{ margin: 0 auto; max-width: 108rem; padding: 1.5rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 {FONT}; }}
h1 {{ font-size: 1.6rem; margin: 0; }} h2 {{ font-size: 1.15rem; margin: 1.8rem 0 .4rem; }}
p {{ margin: .3rem 0; }} .soft {{ color: var(--soft); }}
.use {{ font-weight: 650; }}
.scroll {{ overflow-x: auto; border: 1px solid var(--line); border-radius: 10px; padding: .8rem; }}
.scroll svg {{ display: block; color: var(--ink); }}
table {{ border-collapse: collapse; width: 100%; font-size: .9rem; }}
th, td {{ text-align: left; vertical-align: baseline; padding: .35rem .7rem; border-bottom: 1px solid var(--line); }}
thead th {{ color: var(--soft); font-weight: 600; }}
code {{ font: .86em ui-monospace, Menlo, Consolas, monospace; overflow-wrap: anywhere; user-select: all; }}
details {{ display: inline-block; vertical-align: top; margin-right: 1rem; }} details[open] {{ display: block; }}
.short {{ white-space: nowrap; }}
summary {{ cursor: pointer; color: var(--soft); }} :focus-visible {{ outline: 3px solid #6b7fd7; outline-offset: 2px; }}
dl {{ display: grid; grid-template-columns: minmax(8rem, max-content) 1fr; gap: .1rem .8rem; margin: .3rem 0; }}
dt {{ color: var(--soft); }} dd {{ margin: 0; overflow-wrap: anywhere; }}
@media print {{ details::details-content {{ content-visibility: visible; block-size: auto; }} }}
"""


def page_of(evidence: Evidence) -> str:
    """Return the page; nothing in it is fetched or run, and every text of the manifests is escaped."""
    index = evidence.index
    name, digest = markup(f"{index.name} {index.version}"), digest_of_folder(evidence.folder)
    use = f'<p><span class="use">{markup(index.licence.use)}</span>: {markup(index.licence.expression)}</p>'
    override = f", released all the same: {markup(index.override)}" if index.override else ""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="generator" content="{MARK}">\n<title>Lineage of {name}</title>\n<style>{STYLE}</style>\n</head>\n'
        f"<body>\n<main>\n<h1>Lineage of {name}</h1>\n{use}\n"
        f"<p>Verdict {markup(index.verdict)}{override}.</p>\n"
        f'<p class="soft">{markup(UNPROVED)}</p>\n'
        f"{f'<p>Digest <code>{digest}</code></p>' if digest else ''}\n"
        f"{_picture(evidence)}\n{_table(evidence)}\n</main>\n</body>\n</html>\n"
    )


def _picture(evidence: Evidence) -> str:
    nodes = nodes_of(evidence)
    drawing = draw(nodes)
    width = drawing.split('viewBox="0 0 ', 1)[1].split(" ", 1)[0]
    named = f'<svg width="{width}" role="img" aria-label="{markup(in_words(nodes))}"'
    return (
        "<h2>What was made from what</h2>\n"
        '<p class="soft">An arrow that others imply is left out; the table below tells every input.</p>\n'
        '<div class="scroll" role="group" tabindex="0" aria-label="What was made from what, picture">\n'
        f"{drawing.replace('<svg', named, 1)}\n</div>"
    )


def _table(evidence: Evidence) -> str:
    rows = "\n".join(_row(evidence.manifests[digest]) for digest in reversed(evidence.lineage.order))
    head = "".join(f'<th scope="col">{each}</th>' for each in ("artifact", "digest, options, inputs", "use", "code"))
    return (
        '<h2>Every artifact</h2>\n<div class="scroll" role="group" tabindex="0" aria-label="Every artifact">\n'
        f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>\n</div>"
    )


def _row(artifact: Artifact) -> str:
    stage = stage_of(artifact)
    first = ", ".join(f"{name} {value}" for name, value in highlights(artifact))
    return (
        f'<tr><th scope="row">{markup(title_of(stage))}<br><span class="soft">{markup(stage)}, {markup(artifact.kind)}'
        f"</span></th><td><code>{artifact.digest}</code><br>{markup(first)}<div>{_more(artifact)}</div></td>"
        f'<td class="short">{markup(artifact.licence.use)}</td>'
        f'<td class="short"><code>{markup(code_of(artifact))}</code></td></tr>'
    )


def _more(artifact: Artifact) -> str:
    made = artifact.made_by
    parts = (
        ("inputs", artifact.inputs),
        ("options", made["config"]),
        ("code", {"potstill": made["potstill"], "revision": made["revision"], "source": made["source"]}),
        ("libraries", made["libraries"]),
        ("processor", made["processor"]),
        ("licence", {"expression": artifact.licence.expression, "use": artifact.licence.use}),
        ("files", {file.path: f"{file.bytes:,} bytes, SHA-256 {file.sha256}" for file in artifact.files}),
    )
    return "".join(_details(name, told) for name, told in parts if told)


def _details(name: str, told: Mapping[str, Any]) -> str:
    return f"<details><summary>{name}, {len(told)}</summary><dl>{''.join(_terms(told))}</dl></details>"


def _terms(told: Mapping[str, Any]) -> Iterator[str]:
    for name, value in sorted(told.items()):
        yield f"<dt>{markup(name)}</dt><dd>{markup(option(value))}</dd>"
