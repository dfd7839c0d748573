"""Named architectures, built from `linnet.layers`: each is a function that returns a fresh model."""

from linnet.applications.lenet5 import LeNet5
from linnet.applications.logistic import LogisticRegression
from linnet.applications.mlp import MLP

__all__ = ["MLP", "LeNet5", "LogisticRegression"]
