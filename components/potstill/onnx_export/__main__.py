from potstill.entry import stage

raise SystemExit(stage("onnx-export"))
