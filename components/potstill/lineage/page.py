"""The lineage as an HTML page that stands alone: the picture, and everything that the manifests say, to look up."""

from collections.abc import Iterator, Mapping
from math import ceil
from typing import Any

from potstill.artifacts import Artifact
from potstill.evidence.evidence import Evidence
from potstill.evidence.potstills import maker_of
from potstill.lineage.drawing import ACROSS, AMBER, FONT, NARROW, draw, in_words
from potstill.lineage.facts import WHOLE, code_of, nodes_of, origins_of, stage_of
from potstill.lineage.highlights import highlights, option
from potstill.lineage.outputs import title_of
from potstill.lineage.shown import UNPROVED, markup
from potstill.lineage.signer import signer_of

MARK = "potstill lineage"  # by which a page is known as ours, and may be written again
POLICY = "default-src 'none'; style-src 'unsafe-inline'"  # nothing is fetched, and nothing runs
DIGITS = 12  # of a digest, where the whole one stands elsewhere
AROUND = 100  # px that a window has on both sides of the picture
WIDE = """@media screen and (min-width: {width}px) {{ .parts {{ display: block; }}
  .parts > section:first-child {{ max-width: none; }} .scroll svg.across {{ display: block; }}
  .scroll svg.down {{ display: none; }} }}
"""
STYLE = f"""
:root {{ color-scheme: light dark; --paper: #fff; --wash: #f5f6f9; --ink: #1b2130; --soft: #596274; --line: #d5dae3; }}
@media screen and (prefers-color-scheme: dark) {{
  :root {{ --paper: #12151b; --wash: #1a1e26; --ink: #e6e9f0; --soft: #a3acbd; --line: #3a4150; }}
}}
* {{ box-sizing: border-box; }}
body {{ margin: 0 auto; max-width: 120rem; padding: 1.5rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 {FONT}; }}
h1 {{ font-size: 1.6rem; margin: 0; }} h2 {{ font-size: 1.15rem; margin: 1.8rem 0 .4rem; }}
p {{ margin: .3rem 0; }} .soft {{ color: var(--soft); }}
.use {{ font-weight: 650; }}
.bound {{ border-left: .4rem solid {AMBER}; background: var(--wash); padding: .5rem .8rem; margin: .6rem 0; }}
.origin {{ display: inline-block; max-width: 8.5rem; white-space: normal;
  border: 2px solid {AMBER}; border-radius: 6px; padding: 0 .35rem; font-weight: 650; }}
.scroll {{ overflow-x: auto; border: 1px solid var(--line); border-radius: 10px; padding: .8rem; }}
.scroll svg {{ display: block; color: var(--ink); margin: 0 auto; }} .scroll svg.across {{ display: none; }}
table {{ border-collapse: collapse; width: 100%; font-size: .9rem; }}
th, td {{ text-align: left; vertical-align: baseline; padding: .35rem .7rem; border-bottom: 1px solid var(--line); }}
td {{ overflow-wrap: anywhere; }} th {{ overflow-wrap: break-word; }}
thead th {{ color: var(--soft); font-weight: 600; }}
code {{ font: .86em ui-monospace, Menlo, Consolas, monospace; overflow-wrap: anywhere; user-select: all; }}
details {{ display: inline-block; vertical-align: top; margin-right: 1rem; }} details[open] {{ display: block; }}
summary {{ cursor: pointer; color: var(--soft); }} :focus-visible {{ outline: 3px solid #6b7fd7; outline-offset: 2px; }}
dl {{ display: grid; grid-template-columns: minmax(8rem, max-content) 1fr; gap: .1rem .8rem; margin: .3rem 0; }}
dt {{ color: var(--soft); }} dd {{ margin: 0; overflow-wrap: anywhere; }}
@media (min-width: 48.01rem) {{ .short {{ white-space: nowrap; }} }}
@media (min-width: 64rem) {{ .parts {{ display: grid; gap: 0 1.5rem;
    grid-template-columns: minmax(0, min-content) minmax(0, 1fr); }}
  .parts > section:first-child {{ max-width: 45vw; }} }}
@media (max-width: 48rem) {{
  body {{ padding: 1rem .8rem; }} thead {{ display: none; }} table, tbody, tr, th, td {{ display: block; }}
  tr {{ padding: .6rem 0; border-bottom: 1px solid var(--line); }} th, td {{ padding: 0; border: 0; }}
  td[data-name]::before {{ content: attr(data-name) " "; color: var(--soft); }}
  dl {{ grid-template-columns: 1fr; }} dd {{ margin-left: .8rem; }}
}}
@media print {{ details::details-content {{ content-visibility: visible; block-size: auto; }} }}
"""


def page_of(evidence: Evidence) -> str:
    """Return the page; nothing in it is fetched or run, and every text of the manifests is escaped."""
    index = evidence.index
    name = markup(f"{index.name} {index.version}")
    override = f", released all the same: {markup(index.override)}" if index.override else ""
    drawn, width = _drawings(evidence)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="generator" content="{MARK}">\n<title>Lineage of {name}</title>\n'
        f"<style>{STYLE}{WIDE.format(width=width + AROUND)}</style>\n</head>\n"
        f"<body>\n<main>\n<h1>Lineage of {name}</h1>\n{_use(evidence)}\n"
        f"<p>Verdict {markup(index.verdict)}{override}.</p>\n"
        f'<p class="soft">{markup(UNPROVED)}</p>\n'
        f'<div class="parts">\n<section>\n{_picture(drawn)}\n</section>\n'
        f"<section>\n{_table(evidence)}\n</section>\n</div>\n</main>\n</body>\n</html>\n"
    )


def _use(evidence: Evidence) -> str:
    """What may be done with the models; where that is less than all, also what brought it."""
    licence = evidence.index.licence
    said = f'<span class="use">{markup(licence.use)}</span>: {markup(licence.expression)}'
    bringers = [
        evidence.manifests[each] for each in origins_of(evidence) if evidence.manifests[each].licence.use == licence.use
    ]
    told = ", ".join(f"{title_of(stage_of(each))} ({stage_of(each)} {each.digest[:DIGITS]})" for each in bringers)
    return (
        f'<div class="bound"><p>{said}</p><p>It comes in with {markup(told)}, and holds for all that was made of it; '
        "amber in the picture and in the table.</p></div>"
        if told
        else f"<p>{said}</p>"
    )


def _drawings(evidence: Evidence) -> tuple[str, int]:
    """The picture from left to right and from the top down, of which a page shows one; and the width of the first."""
    nodes = nodes_of(evidence)
    drawn = [_named(draw(nodes, grid), form, in_words(nodes)) for form, grid in (("across", ACROSS), ("down", NARROW))]
    return "\n".join(each for each, _ in drawn), ceil(drawn[0][1])


def _named(drawing: str, form: str, told: str) -> tuple[str, float]:
    width = drawing.split('viewBox="0 0 ', 1)[1].split(" ", 1)[0]
    opening = f'<svg class="{form}" width="{width}" role="img" aria-label="{markup(told)}"'
    return drawing.replace("<svg", opening, 1), float(width)


def _picture(drawn: str) -> str:
    return (
        "<h2>What was made from what</h2>\n"
        '<p class="soft">An arrow that others imply is left out; the table tells every input.</p>\n'
        '<div class="scroll" role="group" tabindex="0" aria-label="What was made from what, picture">\n'
        f"{drawn}\n</div>"
    )


def _table(evidence: Evidence) -> str:
    brought = origins_of(evidence)
    rows = (_row(evidence.manifests[each], brought=each in brought) for each in reversed(evidence.lineage.order))
    head = "".join(f'<th scope="col">{each}</th>' for each in ("artifact", "digest, options, inputs", "use", "code"))
    return (
        '<h2>Every artifact</h2>\n<div class="scroll" role="group" tabindex="0" aria-label="Every artifact">\n'
        f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{_row_of_whole(evidence)}\n{chr(10).join(rows)}\n"
        "</tbody>\n</table>\n</div>"
    )


def _row_of_whole(evidence: Evidence) -> str:
    """The release or the bundle itself, which no manifest in it tells of."""
    node, signer = nodes_of(evidence)[WHOLE], signer_of(evidence.folder)
    kind, use, *_ = node.told
    digest = f"<code>{node.digest}</code><br>" if node.digest else ""
    signed = f"signed {signer}; " if signer else "not signed; "
    made = f"made by {maker_of(evidence.folder)}" if node.digest else "not sealed"
    more = _details("what it holds", evidence.index.ships)
    return (
        f'<tr><th scope="row">{markup(node.title)}<br><span class="soft">{node.stage}, {kind}</span></th>'
        f"<td>{digest}{markup(signed + made)}<div>{more}</div></td>"
        f'<td class="short" data-name="use">{markup(use)}</td><td></td></tr>'
    )


def _row(artifact: Artifact, *, brought: bool) -> str:
    stage, use = stage_of(artifact), markup(artifact.licence.use)
    told = f'<span class="origin">{use} comes in here</span>' if brought else use
    first = ", ".join(f"{name} {value}" for name, value in highlights(artifact))
    return (
        f'<tr><th scope="row">{markup(title_of(stage))}<br><span class="soft">{markup(stage)}, {markup(artifact.kind)}'
        f"</span></th><td><code>{artifact.digest}</code><br>{markup(first)}<div>{_more(artifact)}</div></td>"
        f'<td class="short" data-name="use">{told}</td>'
        f'<td class="short" data-name="code"><code>{markup(code_of(artifact))}</code></td></tr>'
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
