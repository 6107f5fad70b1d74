"""The KFP interface of release."""

from kfp import dsl
from kfp.dsl import HTML, Dataset, Input, Markdown, Metrics, Model, Output

from potstill.images import image_for


@dsl.component(base_image=image_for("release"), install_kfp_package=False)
def release(
    report: Input[Dataset],
    model: Input[Model],
    judgement: Input[Dataset],
    figures: Input[Dataset],
    page: Input[HTML],
    card: Input[Markdown],
    released: Output[Model],
    metrics: Output[Metrics],
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
    release_name: str = "",
    version: str = "",
    override: str = "",
    formats: str = "",
) -> None:
    """Put a model into one folder with all evidence of how it was made, what it can do, and what it may be used for.

    Args:
        report: report/v1 of validate.
        model: checkpoint/v1, the last one, which the report judged.
        judgement: The verdict that validate wrote beside the report.
        figures: All figures that validate wrote beside it.
        page: The HTML page that validate wrote beside it.
        card: The model card that validate wrote beside it.
        onnx: onnx/v1 made from the model.
        package: coreml/v1 made from the model.
        definition: definition/v1 with the compiled pipeline, its parameters, the lock and the images.
        data: dataset/v1 that the tokens were made from.
        start: checkpoint/v1 that the teacher began with.
        tokens: tokens/v1 that all stages read.
        unlabelled: Further tokens/v1, where a stage read them.
        teacher: checkpoint/v1 of the teacher.
        teacher_outputs: teacher-outputs/v1 that the student learned from.
        student: checkpoint/v1 of the student as distilled.
        latency: latency/v1 that prune aimed by.
        pruned: checkpoint/v1 of the pruned student.
        release_name: Name of the release, such as headlines.
        version: Semantic version, such as 1.2.0 or 1.2.0-rc.1.
        override: Why a model is released that did not pass; recorded, and first on the card.
        formats: Formats to ship, comma-separated, of onnx, coreml, pytorch; empty is each that is given.

    Returns:
        released: The sealed release/v1.
        metrics: Artifacts of the lineage, files, bytes, passed, seconds.
    """
    from potstill.kfp_io import run
    from potstill.release import ReleaseConfig, release_model

    further = (data, start, tokens, unlabelled, teacher, teacher_outputs, student, latency, pruned)
    run(
        release_model,
        lambda: ReleaseConfig(release_name=release_name, version=version, override=override, formats=formats),
        {
            "report": report,
            "model": model,
            "judgement": judgement,
            "figures": figures,
            "page": page,
            "card": card,
            "onnx": onnx,
            "package": package,
            "definition": definition,
            "ancestors": [each for each in further if each is not None],
        },
        {"released": released},
        metrics,
    )
