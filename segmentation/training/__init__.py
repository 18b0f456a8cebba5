"""Training of the weights shipped with the algorithms; needs scikit-learn, which the product itself does not."""
