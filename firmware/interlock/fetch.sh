#!/bin/sh
# Third-party C, pinned by SHA-256: BearSSL (MIT) from Debian's source pool, Monocypher (BSD-2/CC0) from its PyPI sdist.
# usage: fetch.sh DEST; PYTHON names another Python. The mirror is the one that apt is set up for.
set -eu
dest=$1
[ -e "$dest/complete" ] && exit 0
binary=$(apt-get download --print-uris libbearssl-dev | sed -n "s/^'\([^']*\)'.*/\1/p")
[ -n "$binary" ] || { echo "apt knows no libbearssl-dev; its source package is needed" >&2; exit 1; }
mkdir -p "$(dirname "$dest")"
temporary=$(mktemp -d "$dest.XXXXXX") # beside it, so that the whole appears at once
trap 'rm -rf "$temporary"' EXIT
curl -fsSL "${binary%/*}/bearssl_0.6+dfsg.1.orig.tar.xz" -o "$temporary/bearssl.tar.xz"
"${PYTHON:-python3}" -m pip --disable-pip-version-check download -q --no-deps --no-binary pymonocypher -d "$temporary" \
  pymonocypher==4.0.3.4
(cd "$temporary" && sha256sum -c --quiet) <<'S'
102a625bd8f6155260867a50c508df8d8c3f796985dd744df1a68e5cd1a79004  bearssl.tar.xz
5e56e3d3eb770a53e0b9f6274146663c11a11f3d0de5cd48e3be0428d1b07a4a  pymonocypher-4.0.3.4.tar.gz
S
mkdir -p "$temporary/made/bearssl" "$temporary/made/monocypher"
tar xf "$temporary/bearssl.tar.xz" -C "$temporary/made/bearssl" --strip-components=1
tar xf "$temporary/pymonocypher-4.0.3.4.tar.gz" -C "$temporary/made/monocypher" --strip-components=1
touch "$temporary/made/complete"
mv -T "$temporary/made" "$dest" 2>/dev/null || [ -e "$dest/complete" ] # somebody else was faster
