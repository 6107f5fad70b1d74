"""Every command of potstill: the module and the function that do it, and what it does, in a line."""

# name: (module, function, what it does) — in the order of the path from text to phone
STAGES = {
    "tokenize": ("potstill.tokenize", "tokenize_table", "a table of texts → token ids per split, tokenizer, labels"),
    "teacher-train": (
        "potstill.teacher_train",
        "train_teacher",
        "tokens + a starting checkpoint → a fine-tuned teacher",
    ),
    "teacher-cache": (
        "potstill.teacher_cache",
        "cache_teacher",
        "teacher + tokens → what the teacher answers on every row, once for all students",
    ),
    "teacher-ensemble": (
        "potstill.teacher_ensemble",
        "ensemble_outputs",
        "outputs of several teachers → their weighted sum, one teacher to learn from",
    ),
    "distill": ("potstill.distill", "distill_student", "teacher + tokens → a small student that answers like it"),
    "latency-table": (
        "potstill.latency_table",
        "measure_latencies",
        "checkpoint → milliseconds by heads and FFN neurons, measured here, for prune to aim at",
    ),
    "prune": (
        "potstill.prune",
        "prune_checkpoint",
        "student → fewer heads, FFN neurons, layers and word pieces, down to a target or a floor",
    ),
    "choose-round": ("potstill.choose_round", "choose_round", "a pruned checkpoint → another of its rounds"),
    "qat": (
        "potstill.qat",
        "quantize_checkpoint",
        "student → int8 scales that keep its accuracy: trained, calibrated, or for inputs as they come",
    ),
    "onnx-export": ("potstill.onnx_export", "export_onnx", "checkpoint → ONNX: fp32, fused, int8; parity proved"),
    "coreml-export": ("potstill.coreml_export", "export_coreml", "checkpoint → Core ML packages; executed and proved"),
    "validate": ("potstill.validate", "validate_models", "every format on the test split → report and verdict"),
    "release": (
        "potstill.release",
        "release_model",
        "models, report, every manifest → one folder with the evidence",
    ),
    "sign": ("potstill.sign", "sign_release", "a release → a signed bundle; every digest is computed again"),
    "publish": ("potstill.publish", "publish_bundle", "a signed bundle → an S3 store, under its name and version"),
}
IMPORTS = {
    "import-data": (
        "potstill.data.importing",
        "import_data",
        "a table, folder, s3:// URI or known set → a sealed data set",
    ),
    "import-checkpoint": (
        "potstill.encoder.importing",
        "import_checkpoint",
        "a hub id, folder or known set → a sealed checkpoint",
    ),
}
COMMANDS = {**IMPORTS, **STAGES}
VERDICTS = {
    "validate gate": (
        "potstill.validate.gate_command",
        "gate_verdict",
        "a verdict of validate → exit code 0 for a pass, 1 for anything else, with what failed",
    ),
    "validate compare": (
        "potstill.validate.compare",
        "compare_reports",
        "two reports → what moved from the one release to the other, and what of it is significant",
    ),
}
COREML = {
    "coreml inspect": (
        "potstill.coreml.commands",
        "inspect_package",
        "inputs, labels, sizes, compression, oldest iOS, and what keeps it off the Neural Engine",
    ),
    "coreml predict": (
        "potstill.coreml.commands",
        "predict",
        "texts or arrays → labels and probabilities, with no Mac",
    ),
    "coreml diff": ("potstill.coreml.commands", "diff", "two packages → in what they differ, also in their answers"),
}
EVIDENCE = {
    "reproduce": ("potstill.reproduce", "reproduce_bundle", "a bundle → every stage run again, digest against digest"),
    "releases list": ("potstill.publish.releases", "list_releases", "a store → the releases in it"),
    "releases show": ("potstill.publish.releases", "show_release", "a store → what one release holds"),
    "releases fetch": ("potstill.publish.releases", "fetch_release", "a store → a release as a folder, proved whole"),
}
READERS = {**VERDICTS, **COREML, **EVIDENCE}
"""They read, tell, and write nothing but what they are asked to."""
OFFLINE = {
    "verify": (
        "potstill.verify.command",
        "a signed bundle → what is proved of it; needs cryptography alone",
    ),
    "lineage": ("potstill.lineage.command", "a bundle → from what, by which code, each model in it was made"),
    "keys": ("potstill.signing.command", "new: a key to sign with; show: its public half"),
}
"""They parse their own arguments, and need no package but cryptography."""
GROUPS = {
    "coreml": (
        COREML,
        "Core ML packages (.mlpackage, .mlmodel) of any origin are read and executed, with no Mac.",
    ),
    "releases": (
        {name: each for name, each in EVIDENCE.items() if name.startswith("releases ")},
        "What potstill publish has put into a store, s3://… or file:///….",
    ),
}
"""First words that are no command by themselves: their commands, and what they are about."""
