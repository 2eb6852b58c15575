#!/usr/bin/env bash
# The registry probe on one release of kafka-clients.
#
#   probe.sh VERSION run|verify|live|elect --bootstrap HOST:PORT ...
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
version=$1
shift
classpath=$("$here/../../java/compile.sh" "$version" probe "$here"/src/*.java "$here/shims/$version/ElectorBase.java")
exec java -Xmx128m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC \
    -Dorg.slf4j.simpleLogger.defaultLogLevel="${PROBE_LOG:-error}" -cp "$classpath" Probe "$@"
