"""Files of measurements, recognised by what stands in them."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from potstill.errors import InputError
from potstill.validate.devices.android import is_android, read_android
from potstill.validate.devices.measurement import Measurement, merge
from potstill.validate.devices.own import SCHEMA, is_own, read_own
from potstill.validate.devices.xcode import is_xcode, read_xcode

LARGEST = 32_000_000  # bytes; xcresulttool's file of a whole app's tests has some 100,000
FORMS = ((is_own, read_own), (is_android, read_android), (is_xcode, read_xcode))


def read_devices(path: Path) -> list[dict[str, Any]]:
    """Read measurements of devices.

    Args:
        path: a JSON file in potstill's own form, of Jetpack Benchmark or of xcresulttool; or a folder, all of whose
            `.json` files are read, those below it, too. See docs/validate/devices.md.

    Returns: one entry per model, device and length, with `model`, `device`, `system`, `tokens`, `p50_ms`, `p95_ms`,
        `memory_mb`, `cold_start_ms`, `runs` and `source`; null where it was not measured.

    Raises:
        InputError: a file that is none of the three, or a measurement that cannot be one.
    """
    files = sorted(path.rglob("*.json")) if path.is_dir() else [path]
    if not files:
        raise InputError(f"{path} holds no .json file; give measurements, or leave devices out")
    return merge(each for file in files for each in _read(file))


def refuse_unknown(devices: Sequence[Mapping[str, Any]], models: Collection[str]) -> None:
    """Refuse measurements of models that are not judged: they would be left out without a word.

    Args:
        devices: of `read_devices`.
        models: keys of validate's models.

    Raises:
        InputError: names all of them.
    """
    unknown = sorted({each["model"] for each in devices} - set(models))
    if unknown:
        known = ", ".join(models)
        raise InputError(f"devices measured {', '.join(unknown)}, which is not judged here; judged are: {known}")


def _read(file: Path) -> Iterator[Measurement]:
    body = _body(file)
    for recognises, read in FORMS:
        if recognises(body):
            try:
                yield from list(read(body))
            except InputError as refused:
                raise InputError(f"{file}: {refused}") from None
            return
    raise InputError(
        f"{file} is no file of device measurements; wanted Jetpack's benchmarkData.json, "
        f"what xcresulttool get test-results metrics prints, or {{'schema': {SCHEMA!r}, 'measurements': […]}}"
    )


def _body(file: Path) -> Any:
    try:
        if file.exists() and not file.is_file():
            raise InputError(f"{file} is no plain file; give a JSON file, or a folder of them")
        if file.stat().st_size > LARGEST:
            raise InputError(f"{file} has more than {LARGEST:,} bytes; give the measurements alone")
        return json.loads(file.read_text(encoding="utf-8-sig"), parse_constant=_refuse, object_pairs_hook=_once)
    except OSError as broken:
        raise InputError(f"{file} cannot be read: {broken.strerror}") from None
    except (ValueError, RecursionError) as broken:
        raise InputError(f"{file} is not JSON: {str(broken).splitlines()[0]}") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        raise ValueError(f"{', '.join(twice)} stands twice in one object; keep one")
    return dict(pairs)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no measurement")
