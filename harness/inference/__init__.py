"""What a trained network gives: predictions and exported folders. May import ``execution`` and all below it."""
