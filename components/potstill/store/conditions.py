"""Whether a store does what it is asked when it is asked to write only where nothing is."""

from uuid import uuid4

from potstill.errors import InputError
from potstill.store.place import Place

PROBE = ".potstill-probe"
FIRST = b"Here potstill asks whether this store heeds If-None-Match. It stays, so that no right to delete is needed.\n"


def require_conditions(place: Place) -> None:
    """Refuse a store which writes over what it was asked not to; in one, two releases could take the same name.

    An object is written there once and stays; every later call tries to replace it, and believes only what it reads.

    Args:
        place: where it is asked; nothing but the object of this purpose is written.

    Raises:
        InputError: the store ignores the condition, or refuses.
    """
    mine = uuid4().hex.encode()
    place.write_new(PROBE, FIRST)
    place.write_new(PROBE, mine)
    if place.read(PROBE) == mine:
        raise InputError(
            f"{place.uri}: the store ignores If-None-Match and replaces what must stay; use one that heeds it, such as "
            "AWS S3, Ceph or MinIO"
        )
