"""Is skmlp right on this GPU, and how fast? Checks and measures it, and writes a report to hand back.

python benchmarks/gpu.py [--quick] [--only check,fit,predict,device] [--cases TEXT ...] [--runs 3]
                         [--output gpu-report.md]

check: every activation, loss, optimiser and layer, on the GPU as on the CPU, and the same bits twice (gpu_check.py).
fit, predict: seconds, beside skmlp on the CPU, PyTorch (eager, and with CUDA graphs) and JAX, where they are installed
(gpu_fits.py). device: launches, waits of all blocks for each other, copies (gpu_launch.py), and each phase of a step
beside the limits of the GPU (gpu_phases.py). At the end, what follows for the rules of the package (gpu_advice.py).

``--cases`` leaves out the checks and workloads in whose names there is none of the texts. The report is two files, a
page (.md) and all numbers (.json). They name the GPU, the processor and the versions of packages, but no user, machine
or folder. Each case runs in a process of its own; one that fails, or does not end, is told in the report, while the
others go on.

Half an hour, with ``--quick`` some minutes; these are guesses. Ends with 0 if all is well, with 1 if something differs
or failed, and with 2, and a line that says what is missing, if there is no GPU. With ``NUMBA_ENABLE_CUDASIM=1`` small
cases run in Numba's simulator, of which no time means anything.
"""

import argparse
import json
import sys
import traceback
import warnings

from gpu_report import Report, anonymous
from measure import elsewhere

from skmlp.devices import DeviceError, resolve

PARTS = "check", "fit", "predict", "device"
LIMIT = 600  # seconds of a process


def command_line():
    """The parser of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", type=parts, default=PARTS)
    parser.add_argument("--cases", nargs="+", default=[""], metavar="TEXT")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--output", default="gpu-report.md")
    parser.add_argument("--job", type=json.loads, help=argparse.SUPPRESS)
    return parser


def parts(text):
    """Of ``--only``."""
    names = tuple(text.split(","))
    if not {*names} <= {*PARTS}:
        raise argparse.ArgumentTypeError(f"{text!r}: allowed are {', '.join(PARTS)}, with commas between them")
    return names


class Jobs:
    """Runs jobs in processes of their own; how some failed goes to ``failures``, by name."""

    def __init__(self, arguments):
        self._options = ["--runs", arguments.runs, "--only", ",".join(arguments.only), *["--quick"] * arguments.quick]
        self.failures = {}

    def run(self, *job):
        """What a job finds; nothing if it fails."""
        name = ", ".join(job)
        print(name, file=sys.stderr, flush=True)
        memory = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}  # else JAX takes most of it
        try:
            result = elsewhere(__file__, "--job", json.dumps(job), *self._options, limit=LIMIT, **memory)
        except RuntimeError as error:
            result = {"failed": str(error)}
        if "failed" in result:
            self.failed(name, result["failed"])
        return result.get("found", {})

    def failed(self, name, text):
        """Note what went wrong."""
        self.failures[name] = anonymous(text).strip()


def found_by(job, arguments):
    """What a job, a name and what it is about, finds in this process."""
    import gpu_check
    import gpu_device
    import gpu_fits
    import gpu_launch
    import gpu_peers
    import gpu_phases

    from skmlp.cuda.driver import SIMULATED, on_device

    if SIMULATED:
        sys.setswitchinterval(1e-4)  # its threads wait for each other all the time
    name, *about = job
    on_gpu = {
        "device": gpu_device.describe,
        "launches": lambda: gpu_launch.launches(arguments.quick),
        "waits": lambda: gpu_launch.waits(arguments.quick),
        "copies": lambda: gpu_launch.copies(arguments.quick),
        "phases": lambda: gpu_phases.measure(arguments.quick, gpu_device.describe()),
    }
    if name in on_gpu:
        with on_device(0):
            return on_gpu[name]()
    if name == "check":
        return gpu_check.measure(*about)
    if name == "fit":
        return gpu_fits.measure(*about, quick=arguments.quick, runs=arguments.runs, parts=arguments.only)
    return gpu_peers.present()


def run_job(job, arguments):
    """Print what a job finds, or how it failed, as JSON."""
    try:
        result = {"found": found_by(job, arguments)}
    except Exception:  # whatever CUDA and other libraries may raise is for the report
        result = {"failed": traceback.format_exc()}
    print(json.dumps(result))


def main():
    """Run the parts, or one job of them; returns the exit status."""
    arguments = command_line().parse_args()
    warnings.simplefilter("ignore")
    if arguments.job:
        run_job(arguments.job, arguments)
        return 0
    try:
        resolve("cuda")
    except DeviceError as error:
        print(error)
        return 2
    import gpu_sections  # needs CUDA

    report, jobs = Report("skmlp on a GPU"), Jobs(arguments)
    try:
        passed = gpu_sections.fill(report, jobs, arguments)
    finally:  # a Ctrl-C leaves what has been found so far
        page, numbers = report.write(arguments.output)
        print(f"written to {page} and {numbers}")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
