"""What the bandits with online neural regression are compared with."""
