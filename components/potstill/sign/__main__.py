from potstill.entry import stage

raise SystemExit(stage("sign"))
