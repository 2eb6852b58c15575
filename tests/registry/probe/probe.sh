#!/usr/bin/env bash
# The registry probe on one release of kafka-clients.
#
#   probe.sh VERSION run|verify|live|elect --bootstrap HOST:PORT ...
#   probe.sh VERSION install          only fetches the jars and compiles
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
version=$1
shift
classpath=$("$here/../../java/compile.sh" "$version" probe "$here"/src/*.java "$here/shims/$version/ElectorBase.java")
[[ ${1:-} != install ]] || exit 0
exec java -Xmx128m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC \
    -Dorg.slf4j.simpleLogger.defaultLogLevel="${PROBE_LOG:-error}" -cp "$classpath" Probe "$@"
