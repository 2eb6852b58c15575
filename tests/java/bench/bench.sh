#!/usr/bin/env bash
# Kafka and Tidegate side by side; README.md beside this file names the settings.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PYTHONDONTWRITEBYTECODE=1 exec python3 "$here/bench.py"
