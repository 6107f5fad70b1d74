"""The end of a run that is to be released: evidence, signature, and the store."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from kfp import dsl
from kfp.dsl import Dataset

from pipelines.placement import place
from potstill.publish.component import publish
from potstill.release.component import release
from potstill.sign.component import sign

JUDGED = ("report", "judgement", "figures", "page", "card")  # of validate
MODELS = ("model", "onnx", "package")
ANCESTORS = ("data", "start", "tokens", "teacher", "teacher_outputs", "student", "pruned")


class Asked(NamedTuple):
    """What the pipeline's user asks of the release; each a parameter of the pipeline.

    Attributes:
        name: of the release.
        version: its semantic version.
        place: where it is published, s3://…; empty is nowhere.
        public_key: of the key that the signer holds, as PEM; what is published is verified with it.
        ca: authority of the signer's certificate, as PEM; the same.
        policy: what is asked of what is published, as TOML; empty is a verdict that passes.
        options: further parameters of release.
    """

    name: Any
    version: Any
    place: Any
    public_key: Any
    ca: Any
    policy: Any
    options: Mapping[str, Any]


def release_and_sign(made: Mapping[str, Any], definition_uri: Any, asked: Asked) -> Any:
    """Wire release, sign and publish into the pipeline that calls this.

    Args:
        made: outputs of tasks by name: JUDGED, MODELS and, as far as the pipeline has them, ANCESTORS.
        definition_uri: what the run was asked to do, sealed as definition/v1.
        asked: what is asked of the release.

    Returns: the task of release, which others may have to come before.
    """
    definition = dsl.importer(artifact_uri=definition_uri, artifact_class=Dataset, reimport=False).output
    ancestors = {name: made[name] for name in ANCESTORS if name in made}
    models = {name: made[name] for name in MODELS}
    released = release(
        **{name: made[name] for name in JUDGED},
        **models,
        **ancestors,
        definition=definition,
        release_name=asked.name,
        version=asked.version,
        **asked.options,
    )
    # The signer gets the artifacts themselves, and computes every digest again: it takes no step's word.
    signed = sign(
        release=released.outputs["released"],
        report=made["report"],
        definition=definition,
        **models,
        **ancestors,
    )
    place(released, "release")
    place(signed, "sign").set_caching_options(enable_caching=False)  # the cache knows nothing of the key
    with dsl.If(asked.place != "", name="publish"):
        published = publish(
            bundle=signed.outputs["bundle"],
            place=asked.place,
            public_key=asked.public_key,
            ca=asked.ca,
            policy=asked.policy,
        )
        place(published, "publish").set_caching_options(enable_caching=False)  # a store forgets, and the cache does not
    return released
