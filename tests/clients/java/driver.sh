#!/usr/bin/env bash
# The Java client driver on one release of kafka-clients.
#
#   driver.sh VERSION VERB --key value ...
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
version=$1
shift
classpath=$("$here/../../java/compile.sh" "$version" driver "$here/Driver.java")
# Many of these run beside a server on few cores: a small heap, a collector
# without threads of its own and no optimising compiler keep each one cheap.
exec java -Xmx256m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto \
    -Dorg.slf4j.simpleLogger.defaultLogLevel="${DRIVER_LOG:-error}" -cp "$classpath" Driver "$@"
