# SPDX-License-Identifier: GPL-3.0-or-later
# What the benches in shell share.
# shellcheck shell=sh

now_us() { date +%s%6N; }

# percentiles NAME FILE UNIT LIMIT: of one number a line.
percentiles() {
  sort -n "$2" | awk -v name="$1" -v unit="$3" -v limit="$4" '
    { v[NR] = $1; sum += $1 }
    END {
      printf "%-44s %9.2f %9.2f %9.2f %-3s %s\n", name, v[int((NR + 1) / 2)],
        v[int(NR * 0.99 + 0.5)], sum / NR, unit, limit
    }'
}
