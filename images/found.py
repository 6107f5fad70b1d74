"""What is found in an image: a package as CycloneDX describes it, and what it needs of the others."""

from dataclasses import dataclass

from cyclonedx.model.component import Component


@dataclass(frozen=True)
class Found:
    """A package in an image.

    Attributes:
        component: its description; `bom_ref` is its package URL.
        needs: package URLs of those in the image that it depends on.
    """

    component: Component
    needs: frozenset[str] = frozenset()

    @property
    def purl(self) -> str:
        """The package URL, which names it within the bill of materials."""
        return str(self.component.purl)
