"""The truth as it is written down, and whether hosts and truth fit together."""


def check():
    print("lab check: not written yet")
    return 1
