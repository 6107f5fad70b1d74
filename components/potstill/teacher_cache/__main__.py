from potstill.cli import run_stage

raise SystemExit(run_stage("teacher-cache"))
