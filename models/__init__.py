"""Networks and training ground that several tasks share."""
