"""Giving an ORT file bytes that depend on the model alone.

onnxruntime writes such a file from its end to its front: the model, then the table of the kernels' types, then the
root. The model's bytes repeat. The table is laid out in the order of a hash map, which differs from run to run; here
it is written anew, sorted, in front of the model's bytes as they are.

Source: onnxruntime/core/flatbuffers/schema/ort.fbs; https://flatbuffers.dev/internals.
"""

from collections.abc import Sequence

import flatbuffers

from potstill.errors import ParityError
from potstill.onnx_export.files.ort_reading import IDENTIFIER, VERSION, KernelTypes, OrtFile, read_ort
from potstill.onnx_export.graphs.noise import without_noise

with without_noise():  # importing it gives the whole process a log handler
    from onnxruntime.tools.ort_format_model.ort_flatbuffers_py.fbs import (
        ArgTypeAndIndex,
        InferenceSession,
        KernelTypeStrArgsEntry,
        KernelTypeStrResolver,
        OpIdKernelTypeStrArgsEntry,
    )

ALIGNMENT = 16  # bytes that the length is a multiple of, so that what was aligned, counted from the end, stays so
HEAD = 1 << 16  # bytes to begin with for table and root, which take 2 KB or so


def same_bytes(written: bytes) -> bytes:
    """Write an ORT file anew, so that the same model gives the same bytes.

    Args:
        written: the whole file, as onnxruntime wrote it.

    Raises:
        ParityError: it is no ORT file of the version that is known here, or would say something else afterwards.
    """
    source = read_ort(written)
    anew = _write(source)
    if read_ort(anew) != source or len(anew) % ALIGNMENT:
        raise ParityError("an ORT file says something else after its table of types was sorted; leave .ort formats out")
    return anew


def _write(source: OrtFile) -> bytes:
    builder = flatbuffers.Builder(len(source.model) + HEAD)
    builder.minalign = ALIGNMENT
    builder.head = builder.head - len(source.model)
    builder.Bytes[builder.head :] = source.model
    model = len(source.model) - source.table  # a builder counts from the end
    resolver = _write_kernels(builder, source.kernels)
    version = builder.CreateString(VERSION)
    InferenceSession.Start(builder)
    InferenceSession.AddOrtVersion(builder, version)
    InferenceSession.AddModel(builder, model)
    InferenceSession.AddKernelTypeStrResolver(builder, resolver)
    builder.Finish(InferenceSession.End(builder), file_identifier=IDENTIFIER)
    return bytes(builder.Output())


def _write_kernels(builder: flatbuffers.Builder, kernels: KernelTypes) -> int:
    operators = [_write_operator(builder, name, kernels[name]) for name in sorted(kernels)]
    vector = _write_vector(builder, operators)
    KernelTypeStrResolver.Start(builder)
    KernelTypeStrResolver.AddOpKernelTypeStrArgs(builder, vector)
    return int(KernelTypeStrResolver.End(builder))


def _write_operator(builder: flatbuffers.Builder, name: bytes, types: dict[bytes, tuple[tuple[int, int], ...]]) -> int:
    vector = _write_vector(builder, [_write_type(builder, each, types[each]) for each in sorted(types)])
    text = builder.CreateSharedString(name)
    OpIdKernelTypeStrArgsEntry.Start(builder)
    OpIdKernelTypeStrArgsEntry.AddOpId(builder, text)
    OpIdKernelTypeStrArgsEntry.AddKernelTypeStrArgs(builder, vector)
    return int(OpIdKernelTypeStrArgsEntry.End(builder))


def _write_type(builder: flatbuffers.Builder, name: bytes, bound: Sequence[tuple[int, int]]) -> int:
    vector = _write_vector(builder, [_write_bound(builder, kind, index) for kind, index in bound])
    text = builder.CreateSharedString(name)
    KernelTypeStrArgsEntry.Start(builder)
    KernelTypeStrArgsEntry.AddKernelTypeStr(builder, text)
    KernelTypeStrArgsEntry.AddArgs(builder, vector)
    return int(KernelTypeStrArgsEntry.End(builder))


def _write_bound(builder: flatbuffers.Builder, kind: int, index: int) -> int:
    ArgTypeAndIndex.Start(builder)
    ArgTypeAndIndex.AddArgType(builder, kind)
    ArgTypeAndIndex.AddIndex(builder, index)
    return int(ArgTypeAndIndex.End(builder))


def _write_vector(builder: flatbuffers.Builder, tables: Sequence[int]) -> int:
    builder.StartVector(4, len(tables), 4)
    for table in reversed(tables):
        builder.PrependUOffsetTRelative(table)
    return int(builder.EndVector())
