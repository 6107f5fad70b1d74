"""Files: ONNX, ORT, TorchScript, the source, and what opens the folder."""
