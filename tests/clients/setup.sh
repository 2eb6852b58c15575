#!/usr/bin/env bash
# Installs what the client tests run on: system packages, a Python environment,
# Node modules and the drivers in Go and Java, all of pinned versions; and what
# other suites would download (install.py). Everything but the
# system packages goes to ${TIDEGATE_CACHE:-~/.cache/tidegate}: venv, the Python
# that runs all pytest suites, and clients/. What is there already and unchanged
# is left alone.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
venv=${TIDEGATE_CACHE:-$HOME/.cache/tidegate}/venv
cache=${TIDEGATE_CACHE:-$HOME/.cache/tidegate}/clients
node=$cache/node
go=$cache/go
prometheus=$cache/prometheus

fail() { echo "setup.sh: $*" >&2; exit 1; }

# system_package COMMAND PACKAGE...: installs the packages unless the command is there.
system_package() {
    local wanted=$1
    shift
    command -v "$wanted" >/dev/null && return
    command -v apt-get >/dev/null || fail "$wanted is missing: install it"
    [[ $(id -u) == 0 ]] || fail "$wanted is missing: as root, run apt-get install $*"
    echo "setup.sh: installing $*" >&2
    apt-get install -y --no-install-recommends "$@" >"$cache/apt.log" 2>&1 ||
        { apt-get update >"$cache/apt.log" 2>&1 && apt-get install -y --no-install-recommends "$@" >>"$cache/apt.log" 2>&1; } ||
        { tail -n 20 "$cache/apt.log" >&2; fail "could not install $*"; }
}

# once NAME FILE... -- COMMAND: runs the command unless it has succeeded before on files of the same content.
once() {
    local name=$1 files=() stamp attempt
    shift
    while [[ $1 != -- ]]; do files+=("$1"); shift; done
    shift
    stamp=$(cat "${BASH_SOURCE[0]}" "${files[@]}" | sha256sum)
    [[ -f $cache/$name.stamp && $(<"$cache/$name.stamp") == "$stamp" ]] && return
    echo "setup.sh: $name" >&2
    # Three attempts, because a download may break off.
    for attempt in 1 2 3; do
        if "$@" >"$cache/$name.log" 2>&1; then
            echo "$stamp" >"$cache/$name.stamp"
            return
        fi
        tail -n 40 "$cache/$name.log" >&2
        echo "setup.sh: attempt $attempt of $name failed" >&2
        sleep 2
    done
    fail "$name: see above"
}

python_environment() {
    rm -rf "$venv"
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "Python 3.10 or newer is needed"; return 1; }
    python3 -m venv "$venv" || { echo "python3 cannot make environments: install python3-venv"; return 1; }
    "$venv/bin/python" -m pip install --no-input -r "$here/requirements.txt"
}

node_modules() {
    rm -rf "$node"
    mkdir -p "$node"
    cp "$here/node/package.json" "$here/node/package-lock.json" "$node"
    npm ci --prefix "$node" --ignore-scripts --no-audit --no-fund
}

# Debian's package, unpacked and not installed: no service is started, no user is made.
prometheus_programs() {
    mkdir -p "$prometheus"
    cd "$prometheus"
    rm -rf ./*
    apt-get download prometheus || { apt-get update && apt-get download prometheus; }
    dpkg -x prometheus_*.deb .
    rm prometheus_*.deb
}

go_drivers() {
    mkdir -p "$go"
    cd "$here/go"
    go build -p 2 -trimpath -o "$go/" ./franz ./sarama
}

mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9

system_package kcat kcat
system_package python3 python3 python3-venv
system_package node nodejs npm
system_package npm npm
command -v go >/dev/null || fail "Go 1.26 or newer is missing: install it (a distribution's own package is often older)"
# For building what Python has no wheel for, and the Go drivers' standard library.
system_package gcc gcc libc6-dev make

mapfile -t go_sources < <(find "$here/go" -type f | LC_ALL=C sort)
once python "$here/requirements.txt" -- python_environment
once node "$here/node/package.json" "$here/node/package-lock.json" -- node_modules
once go "${go_sources[@]}" -- go_drivers
# Where there is no apt, one on the PATH will do.
if command -v apt-get >/dev/null; then
    once prometheus -- prometheus_programs
else
    command -v prometheus promtool >/dev/null || fail "prometheus and promtool are missing: install them"
fi
"$here/java/build.sh"
"$here/load/build.sh"
"$venv/bin/python" "$here/install.py"
