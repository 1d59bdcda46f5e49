"""The lecture's network for handwritten digits, in each of the three ways to write a Keras model.

    discern train mnist --model docs/examples/keras_mlp.py:sequential --epochs 5 --set recipe=lecture

A function takes what it needs of classes, channels and size; its defaults are what the network was made for.
"""

from __future__ import annotations

import keras
from keras import layers


def sequential(classes: int = 10, channels: int = 1, size: int = 28) -> keras.Model:
    """A list of layers."""
    return keras.Sequential(
        [
            keras.Input((size, size, channels)),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dropout(0.2),
            layers.Dense(classes, activation="softmax"),
        ]
    )


def functional(classes: int = 10, channels: int = 1, size: int = 28) -> keras.Model:
    """Layers called on what other layers give, which may branch and meet again."""
    images = keras.Input((size, size, channels))
    x = layers.Flatten()(images)
    x = layers.Dense(128, activation="relu")(x)
    x = layers.Dropout(0.2)(x)
    return keras.Model(images, layers.Dense(classes, activation="softmax")(x))


class MLP(keras.Model):
    """Layers made in one place and called in another, with whatever Python between them."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.flatten = layers.Flatten()
        self.hidden = layers.Dense(128, activation="relu")
        self.dropout = layers.Dropout(0.2)
        self.probabilities = layers.Dense(classes, activation="softmax")

    def call(self, images: object, training: bool = False) -> object:
        x = self.hidden(self.flatten(images))
        return self.probabilities(self.dropout(x, training=training))


def subclass(classes: int = 10) -> keras.Model:
    """A class of one's own."""
    return MLP(classes)
