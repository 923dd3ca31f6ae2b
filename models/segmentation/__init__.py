"""Segmentation networks that several tasks share: features on a grid, classified linearly."""

from models.segmentation.dilated import DilatedNetwork
from models.segmentation.network import SegmentationNetwork
from models.segmentation.pspnet import PSPNet

__all__ = ["DilatedNetwork", "PSPNet", "SegmentationNetwork"]
