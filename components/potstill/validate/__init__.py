"""validate: every format on the whole test split; a report and a verdict."""

from potstill.validate.config import ValidateConfig
from potstill.validate.gate import require_pass
from potstill.validate.stage import validate_models

__all__ = ["ValidateConfig", "require_pass", "validate_models"]
