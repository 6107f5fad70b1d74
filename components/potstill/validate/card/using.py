"""How an app uses the files: short programs that are whole."""

from collections.abc import Mapping
from typing import Any

from potstill.coreml_export.formats import FILES as COREML_FILES
from potstill.onnx_export.config import FILES as ONNX_FILES
from potstill.validate.candidates import FOR_PHONES, is_export

ONNX = """```python
import json

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

tokenizer = Tokenizer.from_file("tokenizer.json")
session = onnxruntime.InferenceSession("{file}")
facts = session.get_modelmeta().custom_metadata_map

tokenizer.enable_truncation(int(facts["max_length"]))
encoding = tokenizer.encode("…")
row = {{
    "input_ids": np.array([encoding.ids], np.int64),
    "attention_mask": np.array([encoding.attention_mask], np.int64),
    "token_type_ids": np.array([encoding.type_ids], np.int64),
}}
taken = [each.name for each in session.get_inputs()]
logits = session.run(["logits"], {{name: row[name] for name in taken}})[0]
print(json.loads(facts["labels"])[logits[0].argmax()])
```"""
COREML = """```swift
import CoreML

let url = Bundle.main.url(forResource: "{stem}", withExtension: "mlmodelc")!
let model = try MLModel(contentsOf: url)

func label(ids: [Int32]) throws -> String {{  // ids of one text, [CLS] … [SEP], at most `length`
    let inputs = model.modelDescription.inputDescriptionsByName
    let length = inputs["input_ids"]!.multiArrayConstraint!.shape[1].intValue
    func row(_ value: (Int) -> Int32) throws -> MLMultiArray {{
        let array = try MLMultiArray(shape: [1, NSNumber(value: length)], dataType: .int32)
        for place in 0..<length {{ array[place] = NSNumber(value: value(place)) }}
        return array
    }}
    let rows = try [
        "input_ids": row {{ $0 < ids.count ? ids[$0] : 0 }},
        "attention_mask": row {{ $0 < ids.count ? 1 : 0 }},
        "token_type_ids": row {{ _ in 0 }},
    ].filter {{ inputs[$0.key] != nil }}
    let features = try MLDictionaryFeatureProvider(dictionary: rows)
    return try model.prediction(from: features).featureValue(for: "classLabel")!.stringValue
}}
```"""


def how_to_use(figures: Mapping[str, Any]) -> str:
    """Tell it for the best ONNX file and the best Core ML package that were judged."""
    names = [*(name for name in FOR_PHONES if name in figures["models"]), *filter(is_export, figures["models"])]
    onnx = next((ONNX_FILES[name.removeprefix("onnx_")] for name in names if name.startswith("onnx_")), None)
    coreml = next((COREML_FILES[name.removeprefix("coreml_")] for name in names if name.startswith("coreml_")), None)
    told = []
    if onnx:
        told.append(f"`{onnx}` needs onnxruntime, numpy and tokenizers:\n\n{ONNX.format(file=onnx)}")
    if coreml:
        swift = COREML.format(stem=coreml.removesuffix(".mlpackage"))
        told.append(f"`{coreml}` in an app for iOS or macOS (this program was not run here):\n\n{swift}")
    if not told:
        told.append("No exported file was judged; transformers opens the checkpoint unless pruning left uneven layers.")
    return "\n\n".join(told)
