"""The sections of the report of gpu.py: each lets jobs run, keeps their records and shows them."""

import os
from concurrent.futures import ThreadPoolExecutor

import gpu_advice
import gpu_check
import gpu_fits
from gpu_report import spread
from report import describe_machine

CHECKS_AT_ONCE = 8  # processes: they wait for the compiler, not for the GPU
OURS = "skmlp, GPU"


def fill(report, jobs, arguments):
    """All sections that are asked for; returns whether all is well."""
    parts = {*arguments.only}
    machine(report, jobs)
    passed = check(report, jobs, arguments) if "check" in parts else True
    times = fits(report, jobs, arguments) if {"fit", "predict"} & parts else []
    phases = rates(report, jobs) if "device" in parts else []
    if times or phases:
        advice(report, times, phases)
    if jobs.failures:
        failures(report, jobs.failures)
    return passed and not jobs.failures


def machine(report, jobs):
    """What is measured."""
    report.text("## Machine")
    facts = report.numbers["device"] = jobs.run("device")
    report.table([{"": name, "GPU": value} for name, value in facts.items()])
    report.text(describe_machine())


def check(report, jobs, arguments):
    """Whether results are right."""
    names = chosen(gpu_check.names(arguments.quick), arguments)
    with ThreadPoolExecutor(max(1, min(CHECKS_AT_ONCE, (os.cpu_count() or 1) // 2))) as pool:
        found = [result for result in pool.map(lambda name: jobs.run("check", name), names) if result]
    records = [record for of_case, _ in found for record in of_case]
    for _, errors in found:
        for name, text in errors.items():
            jobs.failed(name, text)
    report.numbers["check"] = records
    failed = [record for record in records if not record["passed"]]
    allowed = [f"{tolerance} in {real}" for real, tolerance in gpu_check.TOLERANCES.items()]
    report.text("## Does the GPU compute what the CPU does?")
    report.text(
        f"{len(records) - len(failed)} of {len(records)} passed. After an epoch, the largest difference of loss, "
        "parameters, state of the optimiser and predictions, relative to the largest number of each; two runs must "
        f"give the same bits. Allowed: {', '.join(allowed)}, and {gpu_check.AT_KINKS} in float32 where a slope jumps "
        f"({', '.join(gpu_check.KINKED)})."
    )
    report.table(spread(records, ["case", "network", "tile", "dtype"], "launched", "largest difference"))
    if failed:
        report.text("Not passed:")
        report.table(failed)
    return bool(records) and not failed


def fits(report, jobs, arguments):
    """Times of fits and predictions; returns the records of fits."""
    report.text("## Fits and predictions")
    lacks = jobs.run("present")
    for text in sorted({*lacks.values()} - {""}):
        report.text(f"Left out: {text}.")
    present = [name for name, text in lacks.items() if not text]
    workloads = chosen(gpu_fits.workloads(arguments.quick), arguments)
    found = [jobs.run("fit", *pair) for pair in gpu_fits.pairs(workloads, present)]
    report.text(
        "Each workload: rows × features, hidden layers, rows of a batch, epochs. Data and results are on the host "
        f"before and after, X goes to the GPU in each fit. Medians of {arguments.runs} calls (of one row: of many), "
        "after a first one. All compute in float32, without TF32. A time over that of skmlp on the GPU says how many "
        "times faster that is."
    )
    times, calls = ([record for each in found for record in each.get(part, ())] for part in ("fit", "predict"))
    report.numbers |= {"fit": times, "predict": calls}
    size = ["workload", "size"]
    if times:
        report.text("Seconds of a fit, and the same over those of skmlp on the GPU:")
        report.table(spread(times, size, "contestant", "fit, s"))
        report.table(ratios(spread(times, size, "contestant", "fit, s")))
        report.text("Seconds of the first fit of a process, which compiles:")
        report.table(spread(times, size, "contestant", "first fit, s"))
        report.text("Log-loss on the training data at the end: did all do the same work?")
        exact = [each | {"loss": f"{each['loss']:.5f}"} for each in times]
        report.table(spread(exact, size, "contestant", "loss"))
    if calls:
        report.text("Microseconds of a prediction, and the same over those of skmlp on the GPU:")
        report.table(spread(calls, ["workload", "rows"], "contestant", "a call, µs"))
        report.table(ratios(spread(calls, ["workload", "rows"], "contestant", "a call, µs")))
    return times


def ratios(rows):
    """Each time over that of skmlp on the GPU, where there is one."""
    return [
        {name: value / row[OURS] if isinstance(value, float) else value for name, value in row.items() if name != OURS}
        for row in rows
        if row.get(OURS)
    ]


def rates(report, jobs):
    """What the GPU does in how long; returns the records of phases."""
    report.text("## Launches, waits, copies and phases")
    titles = {
        "launches": "A launch from Python:",
        "waits": "All blocks of a cooperative kernel wait for each other:",
        "copies": "Copies:",
        "phases": "Phases of a step of a network of two hidden layers, without launches and waits: of the products "
        "the operations, beside the limit of the GPU; of others the bytes that have to be moved, beside that of its "
        "memory, which a cache may exceed.",
    }
    for name, title in titles.items():
        records = report.numbers[name] = [*jobs.run(name)]
        report.text(title)
        report.table(records)
    return report.numbers["phases"]


def advice(report, times, phases):
    """What follows for the rules of the package."""
    report.text("## What follows")
    steps = report.numbers["steps"] = gpu_advice.steps(times)
    if steps:
        report.table(steps)
        report.text(gpu_advice.device_rule(steps))
        report.text(gpu_advice.launch_rule(times))
    products = report.numbers["tiles"] = gpu_advice.products(phases)
    report.table(products)
    for text in gpu_advice.tile_rules(products):
        report.text(text)


def failures(report, texts):
    """What went wrong, each text once."""
    report.text("## Failures")
    report.numbers["failures"] = texts
    for text in dict.fromkeys(texts.values()):
        names = "; ".join(name for name, other in texts.items() if other == text)
        report.text(f"{names}:\n\n```\n{text}\n```")


def chosen(names, arguments):
    """Names that ``--cases`` does not leave out."""
    return [name for name in names if any(text in name for text in arguments.cases)]
