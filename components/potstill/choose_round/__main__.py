from potstill.entry import stage

raise SystemExit(stage("choose-round"))
