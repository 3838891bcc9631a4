"""The command ``python -m skmlp.warmup``."""

import argparse
import sys

from sklearn.model_selection import ParameterGrid

from skmlp.devices import kernel_folder
from skmlp.estimators.parameters import PARAMETERS
from skmlp.warmup import ESTIMATORS, every_network, names, warmup

CHOICES = ("activation", "solver", "normalization", "dtype")
NO_FOLDER = (
    "No folder for compiled kernels can be written: neither NUMBA_CACHE_DIR (if set) nor the __pycache__ of the "
    "package nor the cache folder of the user. Nothing was compiled, for each process would compile anew. Set "
    "NUMBA_CACHE_DIR to a folder that this user can write to."
)


def parse(arguments):
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m skmlp.warmup",
        description="Compile the kernels of the four estimators and keep them on disk, for later processes to load.",
        epilog="Without options: for the estimators' defaults. Several names may follow an option.",
    )
    parser.add_argument("--all", action="store_true", help="compile all that the package can need; takes minutes")
    parser.add_argument("--sparse", action="store_true", help="also for sparse X")
    for name in CHOICES:
        known = names(PARAMETERS[name])
        parser.add_argument(f"--{name}", nargs="+", choices=known, metavar="NAME", help=", ".join(known))
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
    return parser, parser.parse_args(arguments)


def main(arguments=None):
    """Compile, and say what; exit codes are 0, 1 where no folder can be written, and 2 for a wrong command line."""
    parser, arguments = parse(arguments)
    say = (lambda text: None) if arguments.quiet else (lambda text: print(text, flush=True))
    folder = kernel_folder()
    if folder is None:
        return NO_FOLDER
    say(f"Cache folder: {folder}")
    chosen = {name: getattr(arguments, name) for name in CHOICES if getattr(arguments, name)}
    chosen = [estimator(**each) for each in ParameterGrid(chosen) for estimator in ESTIMATORS]
    kernels = seconds = 0
    for network in every_network() if arguments.all else chosen:
        try:
            done = warmup(network, sparse=arguments.sparse or arguments.all)
        except ValueError as error:  # choices that do not go together
            parser.error(str(error))
        kernels, seconds = kernels + done.kernels, seconds + done.seconds
        if done.kernels:
            say(f"{done.kernels:4d} compiled in {done.seconds:5.1f} s for {' '.join(str(network).split())}")
    say(f"{kernels:4d} compiled in {seconds:5.1f} s in all")
    return 0


if __name__ == "__main__":
    sys.exit(main())
