"""From a spec and a selection to trials: settings, tuning, seals, and what they will take."""
