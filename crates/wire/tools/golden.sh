#!/usr/bin/env bash
# Writes tests/golden.txt: every message of every version as Kafka's own classes encode it. Versions
# that the newest release has dropped come from the release before the removal.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
wanted=$(sed -nE 's/^ *request\([0-9]+, "(\w+)", ([0-9]+), ([0-9]+),.*/\1 \2 \3/p' "$here/../src/guard/shapes.rs")
for release in 4.4.0 3.9.1; do
    path=$("$here/../../../tests/java/compile.sh" "$release" golden "$here/Golden.java")
    # shellcheck disable=SC2086 # one argument a word
    java -cp "$path" Golden $wanted
done | awk '!seen[$1, $2, $3, $4]++' >"$here/../tests/golden.txt"
