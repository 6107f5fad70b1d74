"""potstill distils a large text classifier down to a phone: eight typed Kubeflow Pipelines components."""

__version__ = "0.1.0"
