"""The runner must never call a run green that was not."""

import importlib.util
import io
import tempfile
import time
import unittest
from contextlib import redirect_stdout
from pathlib import Path

SPEC = importlib.util.spec_from_file_location("run", Path(__file__).parent / "run.py")
run = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(run)


def junit(**counts):
    attributes = " ".join(f'{name}="{value}"' for name, value in counts.items())
    return f"<testsuites><testsuite {attributes}/></testsuites>"


class Counting(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        run.LOGS = run.ROOT = Path(directory.name)
        self.log = run.LOGS / "suite.log"

    def count(self, report, log="", status=0, xml=None):
        self.log.write_text(log)
        if xml is not None:
            (run.LOGS / "suite.xml").write_text(xml)
        suite = run.Suite("suite", "", [], 10, report=report)
        return str(run.count_of(suite, self.log, status))

    def test_the_result_lines_of_all_test_binaries_are_added(self):
        line = "test result: ok. {} passed; 0 failed; {} ignored; 0 measured; 0 filtered out\n"
        log = line.format(3, 1) + "noise\n" + line.format(4, 0)
        self.assertEqual(self.count("cargo", log), "7 passed, 0 failed, 1 skipped")

    def test_a_test_binary_that_dies_without_a_result_line_is_a_failure(self):
        log = "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured\n"
        self.assertEqual(self.count("cargo", log, status=101), "3 passed, 1 failed, 0 skipped")

    def test_failures_and_errors_of_junit_are_failures(self):
        xml = junit(tests=10, failures=2, errors=1, skipped=3)
        self.assertEqual(self.count("junit", status=1, xml=xml), "4 passed, 3 failed, 3 skipped")

    def test_a_missing_report_is_a_failure(self):
        self.assertEqual(self.count("junit", status=0), "0 passed, 1 failed, 0 skipped")

    def test_a_suite_without_tests_is_a_failure(self):
        xml = junit(tests=0, failures=0, errors=0, skipped=0)
        self.assertEqual(self.count("junit", status=5, xml=xml), "0 passed, 1 failed, 0 skipped")

    def test_skipped_tests_alone_are_a_failure(self):
        xml = junit(tests=2, failures=0, errors=0, skipped=2)
        self.assertEqual(self.count("junit", status=0, xml=xml), "0 passed, 1 failed, 2 skipped")


class Telling(unittest.TestCase):
    def test_a_failed_rust_test_is_told_by_name_and_panic_wherever_it_stands_in_the_log(self):
        log = """running 2 tests
test groups::join ... ok
test fetch::waits ... FAILED

failures:

---- fetch::waits stdout ----
thread 'fetch::waits' panicked at tests/fetch.rs:7:5:
it did not wait


failures:
    fetch::waits

test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s
""" + "test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured\n" * 100
        lines = run.telling_lines(log)
        self.assertEqual(lines[0], "test fetch::waits ... FAILED")
        self.assertIn("it did not wait", lines)
        self.assertLess(len(lines), 10)

    def test_a_log_without_rust_tests_is_told_by_its_end(self):
        log = "".join(f"line {number}\n" for number in range(1_000))
        self.assertEqual(run.telling_lines(log)[-1], "line 999")
        self.assertEqual(len(run.telling_lines(log)), run.TAIL_LINES)


def is_running(pid):
    """Whether the process is there and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Running(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        run.LOGS = run.ROOT = Path(directory.name)
        run.install_system_packages = lambda log: True

    def total(self, *suites):
        with redirect_stdout(io.StringIO()) as output:
            total = run.Runner(list(suites)).run()
        return str(total), output.getvalue()

    def suite(self, name, script, **other):
        return run.Suite(name, "", ["sh", "-c", script], other.pop("timeout_s", 100), **other)

    def test_a_failing_suite_is_counted_and_its_log_is_shown(self):
        good, bad = self.suite("good", "exit 0"), self.suite("bad", "echo the reason; exit 3")
        total, output = self.total(good, bad)
        self.assertEqual(total, "1 passed, 1 failed, 0 skipped")
        self.assertIn("    | the reason", output)

    def test_what_needs_a_failed_suite_fails_without_running(self):
        mark = run.LOGS / "mark"
        build = self.suite("build", "exit 1", counted=False)
        total, _ = self.total(build, self.suite("tests", f"touch {mark}", needs=("build",)))
        self.assertEqual(total, "0 passed, 2 failed, 0 skipped")
        self.assertFalse(mark.exists())

    def test_a_preparation_that_succeeds_is_not_counted(self):
        total, _ = self.total(self.suite("build", "exit 0", counted=False))
        self.assertEqual(total, "0 passed, 0 failed, 0 skipped")

    def test_a_suite_that_hangs_is_stopped_with_its_children_and_fails(self):
        child = run.LOGS / "child"
        script = f"sleep 600 & echo $! >{child}; sleep 600"
        total, output = self.total(self.suite("hangs", script, timeout_s=5))
        self.assertEqual(total, "0 passed, 1 failed, 0 skipped")
        self.assertIn("it took longer than 5 s", output)
        # Nobody waits for it but the first process of the system, which may take a moment.
        end = time.monotonic() + 60
        while is_running(int(child.read_text())):
            self.assertLess(time.monotonic(), end, "a child outlived its suite")
            time.sleep(0.05)

    def test_a_command_that_does_not_exist_is_a_failure(self):
        total, _ = self.total(run.Suite("none", "", ["/no/such/program"], 10))
        self.assertEqual(total, "0 passed, 1 failed, 0 skipped")

    def test_holders_of_one_lock_do_not_overlap(self):
        busy = run.LOGS / "busy"
        script = f"mkdir {busy} && sleep 0.3 && rmdir {busy}"
        suites = [self.suite(name, script, lock="cargo") for name in ("a", "b", "c")]
        self.assertEqual(self.total(*suites)[0], "3 passed, 0 failed, 0 skipped")


if __name__ == "__main__":
    unittest.main()
