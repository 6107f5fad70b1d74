"""A training stage as a Kubeflow TrainJob: started, followed, and its output handed back. Imports no kfp."""

from potstill.train_job.config import TrainJobConfig
from potstill.train_job.handover import run_as_job

__all__ = ["TrainJobConfig", "run_as_job"]
