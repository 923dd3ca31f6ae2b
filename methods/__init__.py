"""One module or package per paper, named by the paper's key."""
