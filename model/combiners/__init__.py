"""How the losses of several tasks become one gradient: a sum, PCGrad, TorchJD's aggregators."""
