#!/usr/bin/env bash
# Copies the runtime jars that a Maven project file names into a folder.
#
#   jars.sh POM FOLDER [-Dproperty=value ...]
#
# A stamp beside the folder holds the hash of the project file and properties,
# so a second run with the same pins costs a few milliseconds and no network.
# One lock for all downloads: Maven's local repository is not made for two at a
# time. Who has its jars does not wait for the downloads of others.
set -euo pipefail

pom=$1
folder=$2
shift 2
want=$({ cat "$pom"; echo "$@"; } | sha256sum | cut -d' ' -f1)
stamp=$folder.stamp

cache=${TIDEGATE_CACHE:-$HOME/.cache/tidegate}
fetched() { [[ -f $stamp && $(<"$stamp") == "$want" ]]; }
fetched && exit 0
mkdir -p "$cache" "$(dirname "$folder")"
exec 9>"$cache/maven.lock"
flock 9
fetched && exit 0

rm -rf "$folder" "$stamp"
# The plugin's version is a part of the command: left out, Maven would take
# whichever is newest. Three attempts, because a download may break off.
for attempt in 1 2 3; do
    if mvn -q -B -Dstyle.color=never -f "$pom" org.apache.maven.plugins:maven-dependency-plugin:2.8:copy-dependencies \
        -DincludeScope=runtime -DoutputDirectory="$folder" "$@" >&2; then
        echo "$want" >"$stamp"
        exit 0
    fi
    echo "jars.sh: attempt $attempt for $pom failed" >&2
    sleep 2
done
exit 1
