"""Running trials: one or several at once, what failed, and what is tried again."""
