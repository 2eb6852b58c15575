#!/usr/bin/env bash
# Apicurio Registry 3.0.9 from Maven Central, unpacked in the cache.
#
#   apicurio.sh install          prints the folder that holds the runner jar
#
# The archive's hash is pinned beside its version, so that it is the very file that
# the tests were made with.
set -euo pipefail

version=3.0.9
sha256=2b28181501a20cbf6efcd77f9b7153908fc01f3d3a7c32024c0bd9e1b04c8a43
cache=${TIDEGATE_CACHE:-$HOME/.cache/tidegate}
folder=$cache/apicurio-$version

[[ ${1:-} == install ]] || { echo "usage: apicurio.sh install" >&2; exit 1; }

mkdir -p "$cache"
# The lock that every use of Maven here takes.
exec 9>"$cache/maven.lock"
flock 9
if [[ ! -f $folder/.complete ]]; then
    rm -rf "$folder"
    mkdir -p "$folder/download"
    # Three attempts, because a download may break off.
    for attempt in 1 2 3; do
        if mvn -q -B -Dstyle.color=never org.apache.maven.plugins:maven-dependency-plugin:2.8:copy \
            -Dartifact="io.apicurio:apicurio-registry-app:$version:tar.gz:all" \
            -DoutputDirectory="$folder/download" >&2; then
            break
        fi
        echo "apicurio.sh: attempt $attempt failed" >&2
        sleep 2
    done
    archive=$folder/download/apicurio-registry-app-$version-all.tar.gz
    echo "$sha256  $archive" | sha256sum -c --quiet >&2
    tar -xzf "$archive" -C "$folder"
    rm -r "$folder/download"
    touch "$folder/.complete"
fi
echo "$folder"
