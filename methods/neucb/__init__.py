"""NeuSquareCB and NeuFastCB: contextual bandits with online neural regression (Deb et al., 2024).

arXiv 2312.07145. No released code is known.
"""

from methods.neucb.bandit import NeuFastCB, NeuSquareCB

__all__ = ["NeuFastCB", "NeuSquareCB"]
