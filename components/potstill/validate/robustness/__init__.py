"""How well a model bears texts as people really type, paste and transmit them."""

from potstill.validate.robustness.disturbances import Disturbed, disturb
from potstill.validate.robustness.figures import tell_robustness

__all__ = ["Disturbed", "disturb", "tell_robustness"]
