"""Named architectures, built from `linnet.layers`: each is a function that returns a fresh model."""

from linnet.applications.alexnet import AlexNet
from linnet.applications.lenet5 import LeNet5
from linnet.applications.logistic import LogisticRegression
from linnet.applications.mlp import MLP
from linnet.applications.resnet import ResNet18, ResNet34, ResNet50, ResNet101, ResNet152, ResNetCIFAR
from linnet.applications.vgg import VGG16, VGG19

__all__ = [
    "MLP",
    "AlexNet",
    "LeNet5",
    "LogisticRegression",
    "ResNet18",
    "ResNet34",
    "ResNet50",
    "ResNet101",
    "ResNet152",
    "ResNetCIFAR",
    "VGG16",
    "VGG19",
]
