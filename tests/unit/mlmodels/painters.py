"""Painters that do what a test can foresee."""

import numpy as np


class Copyist:
    """Paints what it is given; a style is its mean colour."""

    name, sha256 = "copyist", "c" * 64

    def embed(self, image):
        return image.reshape(-1, 3).mean(0).astype(np.float32) / 255

    def paint(self, frames, embedding):
        return frames.copy()


class Tinter(Copyist):
    """Goes half the way to the style's mean colour."""

    name, sha256 = "tinter", "d" * 64

    def paint(self, frames, embedding):
        return ((frames + 255 * embedding) / 2).round().astype(np.uint8)

    def bare(self, frames, embedding):
        return lambda: self.paint(frames, embedding)


class Scenic(Copyist):
    """Paints everything in the mean colour of the scene, or of the frame where it knows no scene."""

    name = "scenic"

    def statistics(self, frames, embedding):
        return frames.reshape(-1, 3).mean(0)

    def paint(self, frames, embedding, statistics=None):
        colours = frames.mean((1, 2)) if statistics is None else np.tile(statistics, (len(frames), 1))
        return np.broadcast_to(colours.round().astype(np.uint8)[:, None, None], frames.shape).copy()
