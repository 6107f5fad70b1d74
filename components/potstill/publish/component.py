"""The KFP interface of publish."""

from kfp import dsl
from kfp.dsl import Input, Metrics, Model, Output

from potstill.images import image_for


@dsl.component(base_image=image_for("publish"), install_kfp_package=False)
def publish(
    bundle: Input[Model],
    metrics: Output[Metrics],
    place: str,
    public_key: str = "",
    ca: str = "",
    policy: str = "",
) -> str:
    """Put a signed bundle into a store, where its name and version lead to these bytes and never to others.

    Args:
        bundle: bundle/v1 as sign wrote it; it is verified first.
        place: s3://bucket/prefix, or file:///folder; any number of releases lie in it.
        public_key: The public key that must have signed: a PEM file, or its text.
        ca: The authority whose certificate must name the signer: a PEM file, or its text.
        policy: What is asked of the release besides: a TOML file of potstill verify, or its text; empty: a verdict of
            pass.

    Returns:
        metrics: Files of the bundle, their bytes, bytes that had to be uploaded, seconds.
        Output: Where the release stands in the store, as a URI.
    """
    from pathlib import Path

    from potstill.kfp_io import run
    from potstill.measure.measures import Measures
    from potstill.publish import PublishConfig, publish_bundle
    from potstill.publish.stage import uri_in

    def publish(bundle: Path, config: PublishConfig) -> Measures:
        return publish_bundle(bundle, place, config)

    run(
        publish,
        lambda: PublishConfig(public_key=public_key, ca=ca, policy=policy),
        {"bundle": bundle},
        {},
        metrics,
    )
    return uri_in(place, Path(bundle.path))
