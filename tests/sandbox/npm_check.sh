#!/bin/sh
# npm_check.sh FOLDER SERVER SCRATCH: installs FOLDER's packages into SCRATCH and runs its check.mjs
# with the path of SERVER, the program to check. 77 (skipped) where there is no Node or the registry
# cannot be reached. Called by ctest.
set -eu
here=$(cd "$(dirname "$0")" && pwd)/$1 server=$2 scratch=$3
skip() {
  echo "skipped: $1"
  exit 77
}
command -v node >/dev/null && command -v npm >/dev/null || skip "there is no Node with npm here"
mkdir -p "$scratch"
cp "$here/package.json" "$here/package-lock.json" "$here/.npmrc" "$here/check.mjs" "$scratch/"
cd "$scratch"
if ! cmp -s package-lock.json .installed; then
  npm ci >npm.log 2>&1 || {
    cat npm.log
    grep -qE 'ENOTFOUND|ECONNREFUSED|EAI_AGAIN|ETIMEDOUT' npm.log && skip "npm cannot reach its registry"
    exit 1
  }
  cp package-lock.json .installed
fi
exec node check.mjs "$server"
