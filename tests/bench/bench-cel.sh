#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The four reference conditions: ns per evaluation, beside two CEL engines for
# JavaScript in the same run when npm can install them (package.json has their
# versions). They are installed once, in the build tree.
set -u
engines="@marcbachmann/cel-js @bufbuild/cel"
scratch=$(mktemp -d "${TMPDIR:-/tmp}/outcall-bench.XXXXXX") || exit 1
trap 'rm -rf "$scratch"' EXIT
npm=$OUTCALL_BUILDDIR/tests/bench/npm
"$OUTCALL_BUILDDIR/tests/bench/bench-cel" >"$scratch/ours" || exit 1

install_engines() {
  command -v node >/dev/null && command -v npm >/dev/null || return 1
  cmp -s "$OUTCALL_SRCDIR/tests/bench/package.json" "$npm/package.json" && return 0
  rm -rf "$npm" && mkdir -p "$npm" &&
    cp "$OUTCALL_SRCDIR/tests/bench/package.json" "$scratch/" &&
    (cd "$scratch" &&
      timeout 60 npm install --prefer-offline --fetch-retries=0 --no-audit --no-fund --silent >/dev/null 2>&1) &&
    mv "$scratch/node_modules" "$scratch/package.json" "$npm/"
}

if install_engines; then
  for engine in $engines; do
    node "$OUTCALL_SRCDIR/tests/bench/bench-cel.mjs" "$npm" "$engine" |
      sed "s,^,$engine ,"
  done >"$scratch/others"
else
  echo "bench cel: npm can't install $engines; our figures alone"
  : >"$scratch/others"
fi
printf '%-32s %8s' "CEL condition, ns per evaluation" ours
for engine in $engines; do
  printf ' %20s %8s' "$engine" ratio
done
echo
awk -v engines="$engines" 'FILENAME ~ /ours$/ { ours[$1] = $2; next } { other[$1, $2] = $3 }
  END {
    n = split(engines, engine, " ")
    for (i = 1; i <= 4; i++) {
      c = substr("abcd", i, 1)
      printf "(%s)%29s %8.1f", c, "", ours[c]
      for (k = 1; k <= n; k++)
        if ((engine[k], c) in other)
          printf " %20.1f %7.1fx", other[engine[k], c], other[engine[k], c] / ours[c]
      print ""
    }
  }' "$scratch/ours" "$scratch/others"
