"""What to try where a budget is not met: one sentence each, in potstill's own options."""

MORE_ROWS = "give more labelled test rows, or a wider margin; a pass by too few rows would be luck"
ADVICE = {
    "max_accuracy_loss": (
        "distil longer (distill --epochs) or from more unlabelled rows, prune less "
        "(prune --max-accuracy-drop), or keep the most sensitive linears float (qat --max-accuracy-drop)"
    ),
    "max_class_loss": (
        "give more training rows of the classes named, or weigh them (teacher-train --class-weights balanced); "
        "then compare the confusion matrix with the teacher's"
    ),
    "min_accuracy": "look at the teacher first: no student passes it by far; then a larger shape (distill --shape)",
    "min_agreement": (
        "train with the rounding (qat --method qat), keep the most sensitive linears float "
        "(qat --max-accuracy-drop), or take a finer format (coreml-export --formats int8,palette8)"
    ),
    "beat_tfidf": "the encoder earns nothing here: more labelled rows or another teacher, or ship TF-IDF",
    "max_ece": (
        "smooth the labels (teacher-train --label-smoothing) or soften less (distill --temperature); "
        "or let the app divide the logits by a temperature found on the validation rows"
    ),
    "max_unk_rate": (
        "keep more word pieces (tokenize --vocabulary-min-count lower, or prune --vocabulary-coverage higher), "
        "or start from a tokenizer of the texts' language"
    ),
    "max_robustness_loss": (
        "train on disturbed rows, too: the report shows an example of the disturbance named; "
        "or normalise the texts likewise before they are tokenised, in training and in the app"
    ),
    "max_size_mb": (
        "drop rare word pieces (prune --vocabulary-min-count), take fewer or narrower layers (distill --shape, prune), "
        "or fewer bits, which Core ML alone has (coreml-export --formats palette6)"
    ),
    "max_memory_mb": (
        "take fewer or narrower layers (distill --shape, prune), or cut texts shorter (tokenize --max-length)"
    ),
    "max_latency_p95_ms": (
        "prune more heads and FFN columns (prune --target-latency-ms), take fewer layers (distill --shape), "
        "or cut texts shorter (tokenize --max-length)"
    ),
    "max_latency_ratio": "take fewer or narrower layers (distill --shape, prune), and ship an int8 file (onnx-export)",
    "max_cold_start_ms": (
        "ship a file that is optimised already (onnx-export --formats int8_ort), or open it before it is needed"
    ),
}
