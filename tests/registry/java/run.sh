#!/usr/bin/env bash
# Confluent's Java registry client and Flink's format against a registry; prints a line for each test.
#
#   run.sh REGISTRY_URL BOOTSTRAP_SERVERS USER PASSWORD
#   run.sh install          only fetches the jars and compiles
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
home=${TIDEGATE_CACHE:-$HOME/.cache/tidegate}/registry-java
"$here/../../java/jars.sh" "$here/pom.xml" "$home/lib"

classes=$home/classes
want=$(cat "$here"/src/*.java | sha256sum | cut -d' ' -f1)
if [[ ! -f $classes.stamp || $(<"$classes.stamp") != "$want" ]]; then
    rm -rf "$classes" "$classes.stamp"
    javac -Xlint:all,-processing,-classfile,-try -Werror -cp "$home/lib/*" -d "$classes" "$here"/src/*.java >&2
    echo "$want" >"$classes.stamp"
fi
[[ ${1:-} != install ]] || exit 0
exec java -Xmx256m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Dorg.slf4j.simpleLogger.defaultLogLevel=error \
    -cp "$classes:$home/lib/*" Main "$@"
