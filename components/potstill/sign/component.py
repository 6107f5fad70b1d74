"""The KFP interface of sign."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Metrics, Model, Output

from potstill.images import image_for


@dsl.component(base_image=image_for("sign"), install_kfp_package=False)
def sign(
    release: Input[Model],
    bundle: Output[Model],
    metrics: Output[Metrics],
    report: Input[Dataset] = None,
    model: Input[Model] = None,
    onnx: Input[Model] = None,
    package: Input[Model] = None,
    definition: Input[Dataset] = None,
    data: Input[Dataset] = None,
    start: Input[Model] = None,
    tokens: Input[Dataset] = None,
    unlabelled: Input[Dataset] = None,
    teacher: Input[Model] = None,
    teacher_outputs: Input[Dataset] = None,
    student: Input[Model] = None,
    latency: Input[Dataset] = None,
    pruned: Input[Model] = None,
    release_digest: str = "",
) -> None:
    """Sign a release, after computing again every digest that it claims.

    The key is no parameter: POTSTILL_SIGNING_KEY names its file, which a secret mounts into this step's pod alone.

    Args:
        release: release/v1.
        report: report/v1 as it lies in storage; read again, as all that follow are.
        model: checkpoint/v1 of the model.
        onnx: onnx/v1.
        package: coreml/v1.
        definition: definition/v1.
        data: dataset/v1.
        start: checkpoint/v1 of the pretrained encoder.
        tokens: tokens/v1.
        unlabelled: Further tokens/v1.
        teacher: checkpoint/v1 of the teacher.
        teacher_outputs: teacher-outputs/v1.
        student: checkpoint/v1 of the student as distilled.
        latency: latency/v1 that prune aimed by.
        pruned: checkpoint/v1 of the pruned student.
        release_digest: Digest that the release must have, as somebody approved it; empty signs what is given.

    Returns:
        bundle: The signed bundle/v1: the release, an attestation for each statement, and model.sig over all.
        metrics: Files, bytes, attestations, artifacts, how many of them were read again, seconds.
    """
    from potstill.kfp_io import run
    from potstill.sign import SignConfig, sign_release

    models = (model, onnx, package, start, teacher, student, pruned)
    others = (report, definition, data, tokens, unlabelled, teacher_outputs, latency)
    run(
        sign_release,
        lambda: SignConfig(release_digest=release_digest),
        {"release": release, "ancestors": [each for each in (*models, *others) if each is not None]},
        {"bundle": bundle},
        metrics,
    )
