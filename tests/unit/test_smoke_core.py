from potstill.artifacts import CHECKPOINT, expect
from potstill.encoder.quantization import load_quantized, read_scales


def test_fixtures(quantized_checkpoint, tiny_tokens):
    expect(quantized_checkpoint, CHECKPOINT)
    assert len(read_scales(quantized_checkpoint)) == 17
    load_quantized(quantized_checkpoint)
