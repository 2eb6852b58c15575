#!/usr/bin/env bash
# Fetches the jars of every release of kafka-clients that the driver runs on and
# compiles the driver against each. A second run takes well under a second.
#
#   build.sh [VERSION ...]
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
versions=("$@")
((${#versions[@]})) || versions=(2.8.2 3.9.1 4.4.0)
for version in "${versions[@]}"; do
    "$here/../../java/compile.sh" "$version" driver "$here/Driver.java" >/dev/null
done
