#!/usr/bin/env bash
# Builds the load test's drivers into ${TIDEGATE_CACHE:-~/.cache/tidegate}/clients/load, where `tidegate load
# --client java|franz|sarama` looks for them. A second run takes well under a second.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=${TIDEGATE_CACHE:-$HOME/.cache/tidegate}/clients/load
clients=4.4.0

mkdir -p "$out"
exec 8>"$out/.lock"
flock 8
(cd "$here" && go build -p 2 -trimpath -o "$out/" ./franz ./sarama)
classpath=$("$here/../../java/compile.sh" "$clients" load "$here/java/LoadDriver.java")
cat >"$out/java.new" <<END
#!/bin/sh
# Written by build.sh. The class path is that of this machine.
exec java -Xmx1g -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto \\
    -Dclients.version=$clients -Dorg.slf4j.simpleLogger.defaultLogLevel="\${DRIVER_LOG:-error}" -cp '$classpath' LoadDriver
END
chmod +x "$out/java.new"
mv "$out/java.new" "$out/java"
