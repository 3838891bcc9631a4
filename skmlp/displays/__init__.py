"""Pictures of fitted estimators: displays as scikit-learn has them, and what a notebook shows."""

from skmlp.displays.network import NetworkDisplay
from skmlp.displays.training_history import TrainingHistoryDisplay

__all__ = ["NetworkDisplay", "TrainingHistoryDisplay"]
