from potstill.entry import stage

raise SystemExit(stage("coreml-export"))
