#!/usr/bin/env bash
# Compiles one small program against one release of kafka-clients, and prints
# the class path that runs it.
#
#   compile.sh CLIENTS_VERSION NAME SOURCE.java ...
#
# Jars and classes stay in the cache; a stamp with the hash of the sources makes
# every later call a matter of milliseconds, so launchers may call it each time.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
version=$1
name=$2
shift 2

home=${TIDEGATE_CACHE:-$HOME/.cache/tidegate}/java-clients-$version
"$here/jars.sh" "$here/pom.xml" "$home/lib" "-Dclients.version=$version"

classes=$home/$name
want=$(cat "$@" | sha256sum | cut -d' ' -f1)
exec 9>"$classes.lock"
flock 9
if [[ ! -f $classes.stamp || $(<"$classes.stamp") != "$want" ]]; then
    rm -rf "$classes" "$classes.stamp"
    # What the probe needs of kafka-clients is internal and partly deprecated;
    # any other warning is an error.
    javac -Xlint:all,-deprecation,-processing,-serial,-classfile,-try -Werror -cp "$home/lib/*" -d "$classes" "$@" >&2
    echo "$want" >"$classes.stamp"
fi
echo "$classes:$home/lib/*"
