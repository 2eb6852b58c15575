#!/usr/bin/env python3
"""Runs the project's suites and counts what passed, failed and was skipped in all of them.

    tests/run.py                 every suite
    tests/run.py rust clients    only these (and what they need)
    tests/run.py --list          the suites, with what they are

Every suite writes target/test-logs/<suite>.log; the end of it is shown if the suite fails. A suite
that dies, runs out of time or reports no test at all counts as one failure. The last line is
"N passed, N failed, N skipped", also in target/test-logs/summary.

Needs Python 3.9 or later, and nothing outside its standard library.
"""

import argparse
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "target" / "test-logs"
CACHE = Path(os.environ.get("TIDEGATE_CACHE", Path.home() / ".cache" / "tidegate"))
PROFILE = os.environ.get("PROFILE", "fast")
TAIL_LINES = 60
# Two suites at a time: the machines that run this have two cores, and tests wait more than compute.
LANES = 2


@dataclass
class Count:
    """What a suite, or all of them, came to."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other):
        return Count(
            self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped
        )

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


@dataclass
class Suite:
    """A command, how its result is read, and what has to be done before it."""

    name: str
    about: str
    command: list
    timeout_s: int
    # "status": the exit code is the one result. "cargo": its output is read. "junit": a JUnit report is.
    report: str = "status"
    needs: tuple = ()
    # Holders of the same lock never run side by side.
    lock: str = ""
    # A preparation is not counted unless it fails.
    counted: bool = True


def pytest(name, about, timeout_s, *arguments, files=None):
    """A suite of tests/<name>, or of these files, for pytest in the environment that clients/setup.sh makes."""
    python = CACHE / "venv" / "bin" / "python"
    command = [python, "-m", "pytest", "-ra", "--durations=10", f"--junitxml={LOGS / name}.xml"]
    command += [*arguments, *(files or [ROOT / "tests" / name])]
    return Suite(name, about, command, timeout_s, report="junit", needs=("build", "setup"))


def suites(options):
    """Every suite, in the order in which they are started."""
    cargo = ["cargo"]
    profile = ["--profile", PROFILE]
    crash = pytest("crash", "kill -9 under load, and what must not be lost", 900)
    if not list((ROOT / "tests" / "crash").glob("test_*.py")):
        crash.command = [CACHE / "venv" / "bin" / "python", ROOT / "tests/crash/crash.py", *options]
        crash.report = "status"
    # What waits for a JVM to start runs beside what does not.
    of_jvm = ("registry", "schema_command", "schema_transfer")
    apicurio = [ROOT / "tests" / "registry" / f"test_{name}.py" for name in of_jvm]
    return [
        Suite(
            "runner",
            "this runner's own tests",
            [sys.executable, "-m", "unittest", "-v", ROOT / "tests" / "test_run.py"],
            120,
        ),
        Suite("format", "cargo fmt", cargo + ["fmt", "--all", "--check"], 120),
        Suite(
            "setup",
            "clients and packages that the suites need",
            [ROOT / "tests" / "clients" / "setup.sh"],
            3600,
            needs=("system",),
            counted=False,
        ),
        Suite(
            "build",
            "the gateway and all Rust tests",
            ["sh", "-c", f"cargo build {shlex.join(profile)} --bin tidegate --bin conformance && "
             f"cargo test {shlex.join(profile)} --workspace --no-run"],
            5400,
            needs=("system",),
            lock="cargo",
            counted=False,
        ),
        Suite(
            "rust",
            "the Rust tests, tidy among them",
            cargo + ["test", *profile, "--workspace", "--no-fail-fast"],
            3600,
            report="cargo",
            needs=("build",),
            lock="cargo",
        ),
        Suite(
            "conformance",
            "Tidegate's answers beside those recorded from Apache Kafka",
            [
                sys.executable,
                ROOT / "tests" / "conformance" / "conformance.py",
                "check",
                *("--junit", LOGS / "conformance.xml"),
            ],
            600,
            report="junit",
            needs=("build",),
        ),
        pytest("clients", "client libraries of several languages", 3600),
        Suite(
            "clippy",
            "cargo clippy, warnings are errors",
            cargo + ["clippy", "--workspace", "--all-targets", *profile, "--", "-D", "warnings"],
            900,
            needs=("build",),
            lock="cargo",
        ),
        pytest("tools", "Kafka's own command line tools, of two releases", 900),
        pytest("apicurio", "other schema registries on the gateway", 1200, files=apicurio),
        pytest("registry", "the schema registry inside", 1500, *(f"--ignore={file}" for file in apicurio)),
        pytest("schema", "schemas as other libraries read and compare them", 600),
        pytest("filer", "offsets in a SeaweedFS filer that is killed, paused and cut off", 600),
        pytest("seaweedfs", "a real SeaweedFS: its filers killed, paused and started again", 300),
        pytest("symptoms", "the troubleshooting guide: each symptom produced, and what shows it", 400),
        pytest("deploy", "what deploys the gateway, and copies of its data", 200),
        pytest("observe", "boards and alerts on a real Prometheus", 400),
        pytest("load", "the load test, on servers with known faults and on such that have none", 2400),
        pytest("apps", "Kafka Connect, Kafka Streams and MirrorMaker 2", 900),
        Suite(
            "kgo",
            "the tests that franz-go's client comes with",
            [sys.executable, ROOT / "tests/kgo/kgo.py", "--junit", LOGS / "kgo.xml"],
            1000,
            report="junit",
            needs=("build", "setup"),
        ),
        crash,
        Suite(
            "retention",
            "kill -9 while logs are cut at their beginning",
            [CACHE / "venv" / "bin" / "python", ROOT / "tests/crash/retention.py"],
            600,
            needs=("build", "setup"),
        ),
        Suite(
            "registry-crash",
            "kill -9 while the embedded registry is written to",
            [CACHE / "venv" / "bin" / "python", ROOT / "tests/crash/registry.py"],
            600,
            needs=("build", "setup"),
        ),
    ]


# ---------------------------------------------------------------------------- system packages

SYSTEM_PACKAGES = [
    # (program, Debian package)
    ("cargo", None),
    ("gcc", "gcc"),
    ("cmake", "cmake"),
    ("make", "make"),
    ("java", "openjdk-17-jdk-headless"),
    ("javac", "openjdk-17-jdk-headless"),
    ("mvn", "maven"),
    ("node", "nodejs"),
    ("npm", "npm"),
    ("go", "golang"),
    ("kcat", "kcat"),
    ("openssl", "openssl"),
]


def missing_packages():
    """The Debian packages of programs that are not there; None stands for the Rust toolchain."""
    return list(dict.fromkeys(p for program, p in SYSTEM_PACKAGES if not shutil.which(program)))


def install_system_packages(log):
    """Installs what is missing, or says what to install. Returns whether all is there."""
    missing = missing_packages()
    if None in missing:
        log.write("cargo is not on the PATH: install the Rust toolchain that Cargo.toml names\n")
        return False
    if not missing:
        return True
    advice = f"install these packages and run again: {' '.join(missing)}\n"
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        log.write(advice)
        return False
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "--no-install-recommends", *missing]
    for command in (["apt-get", "update"], install):
        log.write(f"$ {shlex.join(command)}\n")
        log.flush()
        done = subprocess.run(command, stdout=log, stderr=log, env=environment, timeout=900)
        if done.returncode != 0:
            log.write(advice)
            return False
    return not missing_packages()


# ---------------------------------------------------------------------------- running one suite


class Runner:
    """Starts suites when what they need is done, and remembers what they came to."""

    def __init__(self, chosen):
        self.chosen = chosen
        self.counts = {}
        self.succeeded = {}
        self.children = set()
        self.stopping = False
        self.condition = threading.Condition()
        self.locked = set()

    def run(self):
        """Runs all chosen suites, two at a time. Returns the total."""
        LOGS.mkdir(parents=True, exist_ok=True)
        self.prepare_system()
        waiting = list(self.chosen)
        threads = []
        with self.condition:
            while waiting or any(thread.is_alive() for thread in threads):
                threads = [thread for thread in threads if thread.is_alive()]
                suite = self.next_suite(waiting) if len(threads) < LANES else None
                if suite is None:
                    self.condition.wait(timeout=1)
                    continue
                waiting.remove(suite)
                if suite.lock:
                    self.locked.add(suite.lock)
                thread = threading.Thread(target=self.run_suite, args=(suite,))
                thread.start()
                threads.append(thread)
        return sum(self.counts.values(), Count())

    def next_suite(self, waiting):
        """The first suite that can start now."""
        for suite in waiting:
            if all(need in self.succeeded for need in suite.needs) and suite.lock not in self.locked:
                return suite
        return None

    def prepare_system(self):
        path = LOGS / "system.log"
        with path.open("w") as log:
            try:
                complete = install_system_packages(log)
            except (OSError, subprocess.SubprocessError) as error:
                log.write(f"{error}\n")
                complete = False
        if not complete:
            self.report("system", Count(failed=1), 0.0, path)
        self.succeeded["system"] = complete

    def run_suite(self, suite):
        path = LOGS / f"{suite.name}.log"
        begin = time.monotonic()
        try:
            unmet = [need for need in suite.needs if not self.succeeded[need]]
            if unmet:
                path.write_text(f"not run, because {' and '.join(unmet)} failed\n")
                count, status = Count(failed=1), 1
            else:
                status = self.run_command(suite, path)
                count = count_of(suite, path, status)
        except Exception as error:  # whatever happens, the suite must be seen to have failed
            with path.open("a") as log:
                log.write(f"\nthe runner failed: {error!r}\n")
            count, status = Count(failed=1), 1
        with self.condition:
            self.report(suite.name, count, time.monotonic() - begin, path)
            self.succeeded[suite.name] = status == 0 and count.failed == 0
            self.locked.discard(suite.lock)
            self.condition.notify_all()

    def run_command(self, suite, path):
        """Runs the command with its output in `path`; returns its status, 124 if it took too long."""
        environment = dict(os.environ)
        environment.setdefault("CARGO_TARGET_DIR", str(CACHE / "target"))
        environment.setdefault("TIDEGATE_CACHE", str(CACHE))
        binary = Path(environment["CARGO_TARGET_DIR"]) / PROFILE / "tidegate"
        environment.setdefault("TIDEGATE_BIN", str(binary))
        environment.setdefault("CONFORMANCE_BIN", str(binary.with_name("conformance")))
        verdicts = binary.with_name("examples") / "verdicts"
        if verdicts.exists():
            # Else the suite would build it, and wait for whoever else runs cargo.
            environment.setdefault("TIDEGATE_VERDICTS", str(verdicts))
        environment["CARGO_TERM_COLOR"] = "never"
        junit_of(suite).unlink(missing_ok=True)
        with path.open("w") as log:
            log.write(f"$ {shlex.join(map(str, suite.command))}\n")
            log.flush()
            # A group of its own, so that servers a dying suite leaves behind die with it.
            child = subprocess.Popen(
                list(map(str, suite.command)),
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            with self.condition:
                self.children.add(child.pid)
                if self.stopping:
                    end_group(child.pid)
            try:
                return child.wait(timeout=suite.timeout_s)
            except subprocess.TimeoutExpired:
                log.write(f"\nstopped: it took longer than {suite.timeout_s} s\n")
                return 124
            finally:
                end_group(child.pid)
                child.wait()
                with self.condition:
                    self.children.discard(child.pid)

    def report(self, name, count, seconds, path):
        self.counts[name] = count
        verdict = "FAILED" if count.failed else "ok"
        print(f"{verdict:<7}{name:<15}{count}  ({seconds:.0f} s)", flush=True)
        if count.failed:
            lines = telling_lines(path.read_text(errors="replace"))
            print("\n".join(f"    | {line}" for line in lines))
            print(f"    all of it is in {path.relative_to(ROOT)}", flush=True)

    def stop(self, *_):
        """On a signal: ends every suite; they are reported as failed."""
        self.stopping = True
        for pid in list(self.children):
            end_group(pid)


def telling_lines(log):
    """What of a failed suite's log says why: what its test binaries tell of their failures, or else its end."""
    told = []
    for block in FAILURES.findall(log):
        told += [line for line in block.splitlines() if line.strip()][:TAIL_LINES]
    names = [line for line in log.splitlines() if FAILED_TEST.match(line)]
    # The names come first: whoever keeps only the beginning of the output has them.
    return names + told if told else log.splitlines()[-TAIL_LINES:]


def end_group(pid):
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


# ---------------------------------------------------------------------------- reading results


def junit_of(suite):
    return LOGS / f"{suite.name}.xml"


def count_of(suite, path, status):
    """What the suite came to, by its report; never all right if the command's status was not."""
    if suite.report == "cargo":
        count = count_of_cargo(path.read_text(errors="replace"))
    elif suite.report == "junit":
        count = count_of_junit(junit_of(suite))
    else:
        count = Count(passed=int(suite.counted)) if status == 0 else Count(failed=1)
        return count
    ran_nothing = count.passed + count.failed == 0
    if (status != 0 or ran_nothing) and count.failed == 0:
        count.failed = 1
    return count


FAILED_TEST = re.compile(r"^test \S.* \.\.\. FAILED$")
FAILURES = re.compile(r"^failures:\n(.*?)^failures:$", re.MULTILINE | re.DOTALL)
RESULT = re.compile(r"^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored;", re.MULTILINE)


def count_of_cargo(log):
    """The sum of the lines with which each test binary ends."""
    return sum((Count(*map(int, numbers)) for numbers in RESULT.findall(log)), Count())


def count_of_junit(path):
    """The counts of a JUnit report, or nothing if there is none."""
    if not path.exists():
        return Count()
    total = Count()
    for suite in ET.parse(path).getroot().iter("testsuite"):
        tests, failures, errors, skipped = (
            int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")
        )
        # A test whose clean-up fails counts in `tests` once and may count as passed and as error.
        failed = failures + errors
        total += Count(max(0, tests - failed - skipped), failed, skipped)
    return total


# ---------------------------------------------------------------------------- the command line


def chosen_suites(every, names, build):
    """The suites of these names and, before them, what they need."""
    by_name = {suite.name: suite for suite in every}
    for name in names:
        if name not in by_name:
            sys.exit(f"run.py: there is no suite {name}; there are {', '.join(by_name)}")
    wanted = set(names or by_name)
    for suite in reversed(every):
        if suite.name in wanted:
            wanted.update(need for need in suite.needs if need in by_name)
    if not build:
        wanted.discard("build")
    return [suite for suite in every if suite.name in wanted]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("suites", nargs="*", help="names of suites; all of them if there are none")
    parser.add_argument("--list", action="store_true", help="print the suites")
    parser.add_argument("--no-build", action="store_true", help="use TIDEGATE_BIN as it is")
    parser.add_argument("--options", default="", help="further arguments for tests/crash/crash.py")
    arguments = parser.parse_args()
    every = suites(shlex.split(arguments.options))
    if arguments.list:
        for suite in every:
            print(f"{suite.name:<15}{suite.about}")
        return 0
    runner = Runner(chosen_suites(every, arguments.suites, not arguments.no_build))
    if arguments.no_build:
        runner.succeeded["build"] = True
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, runner.stop)
    total = runner.run()
    (LOGS / "summary").write_text(f"{total}\n")
    print(total, flush=True)
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main())
