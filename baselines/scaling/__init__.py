"""Laws that the power law plus constant must beat."""
