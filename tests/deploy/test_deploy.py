"""The unit, the manifests and the Dockerfile are what systemd, Kubernetes and the gateway take."""

import contextlib
import os
import re
import shutil
import subprocess
import urllib.request
from pathlib import Path

import gateway as servers
import kubernetes_validate
import pytest
import yaml

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
UNIT = DEPLOY / "systemd" / "tidegate.service"
MANIFESTS = list(yaml.safe_load_all((DEPLOY / "kubernetes" / "tidegate.yaml").read_text()))
# The oldest release that is still looked after, and the newest that the schemas know.
RELEASES = ["1.34", "1.37"]
# systemd's own figure for how much a service could do that it need not, from 0 to 10.
EXPOSURE_MAX = 1.5

needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not here")


@contextlib.contextmanager
def started(directory, *, config=None, variables=None):
    """A gateway with these settings, but on ports and a directory of the test's."""
    server = servers.Tidegate(directory, registry=True)
    server._settings = variables or {}
    if config:
        path = directory / "settings.toml"
        path.write_text(config)
        server._command += ["--config", str(path)]
    server.start()
    try:
        yield server
    finally:
        server.terminate()
        shutil.rmtree(directory)


def of_kind(kind):
    return [manifest for manifest in MANIFESTS if manifest["kind"] == kind]


@needs_systemd
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path):
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/usr/local/bin/tidegate", os.environ["TIDEGATE_BIN"]))
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@needs_systemd
def test_the_service_may_do_little_more_than_it_needs(tmp_path):
    shutil.copy(UNIT, tmp_path)
    command = ["systemd-analyze", "security", "--offline=yes", tmp_path / UNIT.name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    exposure = re.search(r"exposure level for tidegate.service: ([\d.]+)", done.stdout)
    assert exposure, done.stdout + done.stderr
    assert float(exposure.group(1)) <= EXPOSURE_MAX, done.stdout


def test_a_gateway_starts_with_the_services_settings(tmp_path):
    with started(tmp_path / "gateway", config=(DEPLOY / "systemd" / "tidegate.toml").read_text()) as server:
        assert "has no effect" not in server.log.read_text()


def test_the_units_paths_are_those_of_its_settings():
    unit = UNIT.read_text()
    assert "--config /etc/tidegate/tidegate.toml\n" in unit and "StateDirectory=tidegate\n" in unit
    assert 'data_dir = "/var/lib/tidegate"\n' in (DEPLOY / "systemd" / "tidegate.toml").read_text()


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda manifest: f"{manifest['kind']}-{manifest['metadata']['name']}")
def test_kubernetes_takes_the_manifests(manifest, release):
    kubernetes_validate.validate(manifest, release, strict=True)


def test_services_and_policies_lead_to_the_gateways_pods():
    (stateful,) = of_kind("StatefulSet")
    template = stateful["spec"]["template"]
    (container,) = template["spec"]["containers"]
    ports = {port["name"] for port in container["ports"]}
    labels = template["metadata"]["labels"]
    assert stateful["spec"]["selector"]["matchLabels"] == labels
    services = {service["metadata"]["name"]: service["spec"] for service in of_kind("Service")}
    for spec in services.values():
        assert spec["selector"] == labels
        assert {port["targetPort"] for port in spec["ports"]} <= ports
    assert services[stateful["spec"]["serviceName"]]["clusterIP"] == "None"
    (policy,) = of_kind("NetworkPolicy")
    assert policy["spec"]["podSelector"]["matchLabels"] == labels
    assert {port["port"] for rule in policy["spec"]["ingress"] for port in rule["ports"]} <= ports
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    claims = {claim["metadata"]["name"] for claim in stateful["spec"]["volumeClaimTemplates"]}
    assert mounted == claims | {volume["name"] for volume in template["spec"]["volumes"]}


def test_a_gateway_starts_with_the_pods_settings_and_answers_its_probes(tmp_path):
    (settings,) = of_kind("ConfigMap")
    (stateful,) = of_kind("StatefulSet")
    pod = stateful["spec"]["template"]["spec"]
    assert pod["enableServiceLinks"] is False
    (container,) = pod["containers"]
    (name,) = settings["data"]
    assert container["args"] == ["serve", "--config", f"/etc/tidegate/{name}"]
    variables = {row["name"]: row["value"] for row in container["env"] if "value" in row}
    variables["TIDEGATE_ADVERTISE"] = variables["TIDEGATE_ADVERTISE"].replace("$(POD_NAMESPACE)", "default")
    with started(tmp_path / "gateway", config=settings["data"][name], variables=variables) as server:
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            get = container[probe]["httpGet"]
            assert get["port"] == "admin"
            with urllib.request.urlopen(f"http://{server.admin}{get['path']}", timeout=60) as answer:
                assert answer.status == 200
        log = server.log.read_text()
        assert "has no effect" not in log and "is not a setting" not in log


def test_a_gateway_starts_with_the_images_variables(tmp_path):
    text = (DEPLOY / "docker" / "Dockerfile").read_text().replace("\\\n", " ")
    (line,) = re.findall(r"^ENV (.*)$", text, re.MULTILINE)
    variables = dict(pair.split("=", 1) for pair in line.split())
    assert variables["TIDEGATE_DATA_DIR"] == "/data"
    with started(tmp_path / "gateway", variables=variables) as server:
        assert "is not a setting" not in server.log.read_text()


def test_the_binary_needs_the_c_library_and_nothing_else():
    listed = subprocess.run(["ldd", os.environ["TIDEGATE_BIN"]], capture_output=True, text=True, check=True).stdout
    names = {Path(line.split()[0]).name.split(".so")[0] for line in listed.splitlines()}
    names = {name for name in names if not name.startswith(("linux-vdso", "ld-linux"))}
    assert names <= {"libc", "libm", "libgcc_s"}, listed
