"""Fit times of skmlp and of every library installed beside it: scikit-learn, PyTorch, JAX, Keras, skorch.

python benchmarks/fit.py [--workloads pima default ...] [--peers scikit-learn JAX ...] [--threads 1 2] [--runs 5]
                         [--out fit.csv]

All train the same network on the same float32 data (lbfgs: float64) from the same initial weights through the same
batches. Each pair of libraries has a process of its own, with as many cores as threads; within it the two take turns.
Times are medians, ratios are medians of the ratios pair by pair; compilation is not in them, see cold.py. The losses
on the data after training show that both did the same work.
"""

import argparse
import importlib.util
import json
import os

from measure import elsewhere, in_turn, medians, ratio


def compare(name, peer, threads, runs):
    """Times of both in turn, and the losses that they end with."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    os.environ["XLA_FLAGS"] = f"--xla_cpu_multi_thread_eigen={'true' if threads > 1 else 'false'}"
    import peers
    from threadpoolctl import threadpool_limits
    from workloads import WORKLOADS

    peers.quiet()
    workload = WORKLOADS[name]
    X, y = workload.data()
    if workload.solver == "lbfgs":
        X = X.astype("float64")
        peers.Skmlp.dtype = "float64"
    with threadpool_limits(threads):
        both = [maker(workload, X, y, threads) for maker in (peers.Skmlp, peers.PEERS[peer][1])]
        for each in both:
            each.run()  # compiles
        times = in_turn([each.run for each in both], runs)
        losses = [peers.loss_of(workload, X, y, *each.run()) for each in both]
    return {"times": times, "losses": losses}


def main():
    """Run a process for each pair, and show the table."""
    from peers import PEERS, takes
    from report import describe_machine, options, show
    from workloads import WORKLOADS

    arguments = options(__doc__, runs=5)
    arguments.add_argument("--workloads", nargs="+", default=list(WORKLOADS), choices=list(WORKLOADS))
    arguments.add_argument("--peers", nargs="+", default=list(PEERS), choices=list(PEERS))
    arguments.add_argument("--threads", nargs="+", type=int, default=[1, os.cpu_count()])
    arguments.add_argument("--pair", nargs=3, help=argparse.SUPPRESS)
    arguments = arguments.parse_args()
    if arguments.pair:
        name, peer, threads = arguments.pair
        print(json.dumps(compare(name, peer, int(threads), arguments.runs)))
        return
    print(describe_machine())
    rows = []
    for name in arguments.workloads:
        for threads in dict.fromkeys(arguments.threads):
            for peer in arguments.peers:
                if not takes(peer, WORKLOADS[name]) or importlib.util.find_spec(PEERS[peer][0]) is None:
                    continue
                rows.append(measured(name, WORKLOADS[name], peer, threads, arguments.runs))
                print(*rows[-1], sep="  ", flush=True)
    header = ["workload", "rows × features, hidden, batch, epochs", "threads", "peer", "skmlp, s", "peer, s"]
    show([*header, "times faster", "skmlp's loss", "peer's loss", "skmlp, GFLOP/s"], rows, arguments.out)


def measured(name, workload, peer, threads, runs):
    """A row of the table, measured in a process of its own."""
    try:
        result = elsewhere(__file__, "--runs", runs, "--pair", name, peer, threads)
    except RuntimeError as error:
        return [name, str(workload), str(threads), peer, "", "", "failed", str(error)[:80], "", ""]
    ours, theirs = medians(result["times"])
    faster = ratio(result["times"], 1, to=0)
    losses = [f"{loss:.5f}" for loss in result["losses"]]
    rate = f"{workload.operations() / ours / 1e9:.0f}" if workload.operations() else ""
    return [name, str(workload), str(threads), peer, f"{ours:.4f}", f"{theirs:.4f}", f"{faster:.2f}", *losses, rate]


if __name__ == "__main__":
    main()
