#!/bin/sh
# Installs the Debian packages that the build needs, where they are missing.
set -eu

packages="pkg-config librdkafka-dev liblmdb-dev libsimdjson-dev"

fail() {
  echo "deps: $1" >&2
  exit 1
}

command -v swift >/dev/null 2>&1 ||
  fail "no Swift toolchain on the PATH: version 6.2 or later, see https://www.swift.org/install"

missing=""
if command -v dpkg-query >/dev/null 2>&1; then
  for package in $packages; do
    status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing="$missing $package"
  done
else
  fail "this is no Debian or Ubuntu (no dpkg): install the equivalents of: $packages"
fi
[ -n "$missing" ] || exit 0

command -v apt-get >/dev/null 2>&1 || fail "apt-get is missing; install by hand:$missing"
as_root=""
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null 2>&1 || fail "neither root nor sudo; as root: apt-get install$missing"
  as_root="sudo"
fi

echo "deps: installing$missing"
export DEBIAN_FRONTEND=noninteractive
# The lists of a fresh machine may be empty or old.
$as_root apt-get update -q ||
  echo "deps: apt-get update failed, going on with the lists there are" >&2
# One word a package, so no quotes.
# shellcheck disable=SC2086
$as_root env DEBIAN_FRONTEND=noninteractive \
  apt-get install -y -q --no-install-recommends $missing ||
  fail "apt-get could not install:$missing"
