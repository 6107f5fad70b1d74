"""The page's words in plain English."""

WORDS = {
    "Accuracy interval (Wilson)": "Had other rows of the same kind been drawn, the accuracy would lie in such an "
    "interval 95 times in a hundred.",
    "Lost": "Accuracy of the reference less that of the model, on the same rows, in points. Positive is worse.",
    "At most (exact bound)": "The loss is smaller than this in 95 samples of a hundred. A budget of a loss is held "
    "against it, not against what was measured.",
    "McNemar p": "How often a difference as great would come by chance, if both models were equally good. It looks "
    "only at rows that one of them has right.",
    "Holm": "Where many classes are judged at once, some fail by chance. Holm's correction asks more of each, so that "
    "all verdicts together err no more often than one.",
    "Agreement": "The share of rows that two models give the same label, right or wrong.",
    "Precision, recall, F1": "Of the rows given a label, how many have it; of the rows that have it, how many were "
    "given it; the harmonic mean of both. Macro: each class counts the same. Weighted: by its rows.",
    "ECE": "Expected calibration error: how far, on average, a model's confidence is from how often it is right.",
    "Brier": "The squared error of the probabilities of all classes: 0 at best, 2 at worst.",
    "[UNK]": "What the tokenizer writes for a character that its vocabulary does not have: the model cannot read it.",
    "p50, p95, p99": "Of a hundred rows, 50, 95 or 99 are at least as fast. p50 is the median.",
    "Cold start": "From opening the file in a fresh process to the first answer.",
    "Peak, added": "The most memory that a process held; and how much of it came with the model, beyond the runtime.",
    "fp32, fp16, int8": "Weights as numbers of 32, 16 or 8 bits: the fewer, the smaller the file.",
    "Linear": "In a Core ML file: 8-bit weights, spaced evenly. Elsewhere: a layer that multiplies by a matrix.",
    "Palette": "Weights that are looked up in a table of few values; the file keeps their places in it.",
    "QDQ": "Quantise and dequantise: an ONNX file that says where int8 begins and ends, and lets the runtime do it.",
    "Pruning": "Taking heads, neurons and layers out of a trained model that it can do without.",
    "Distillation": "Training a small model (the student) on what a large one (the teacher) says.",
}
