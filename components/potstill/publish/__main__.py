from potstill.entry import stage

raise SystemExit(stage("publish"))
