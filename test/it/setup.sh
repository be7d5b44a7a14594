#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Goal: from a recorder's screen to a configuration that loads, with what can be seen already in
# it, without reading source; and nothing of the user's is overwritten.
#
# usage: setup.sh MAKE_SCREEN    with HOLDFAST_STAGE, the installed tree
set -u
make_screen=$1
holdfast=$HOLDFAST_STAGE/bin/holdfast
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
failures=0

fail() {
	echo "FAILED: $1"
	sed 's/^/  stdout: /' "$folder/out"
	sed 's/^/  stderr: /' "$folder/err"
	failures=$((failures + 1))
}

# run NAME EXPECTED_EXIT COMMAND...
run() {
	name=$1 expected=$2
	shift 2
	"$@" >"$folder/out" 2>"$folder/err"
	code=$?
	[ "$code" = "$expected" ] || fail "$name: exit code $code, expected $expected"
}

has() { grep -qF -- "$2" "$folder/$1" || fail "$name: $1 lacks: $2"; }
lacks() { ! grep -qF -- "$2" "$folder/$1" || fail "$name: $1 has: $2"; }

clip=$("$make_screen" --layout 3x3 --seconds 4 --fps 5) || exit 1
cd "$folder" || exit 1

run "a screen becomes a configuration" 0 "$holdfast" setup --out site.yaml "$clip"
has out "3x3-std: 9 cameras"
has out "site.yaml, site.png"
run "it loads" 0 "$holdfast" config check site.yaml
[ "$(grep -c 'camera: cam-0' site.yaml)" = 9 ] || fail "a zone for each camera"
has site.yaml "url: \"$clip\""
has site.yaml "  top: 0."
has site.yaml '# name: "CAM 08 NORTH FENCE"'
[ "$(grep -c '# name: ".*[A-Z]' site.yaml)" -ge 6 ] || fail "six names of nine can be read"
has site.yaml "Nothing moved here"
[ "$(ffprobe -v error -show_entries stream=codec_name,width,height -of csv=p=0 site.png)" = \
	png,1920,1080 ] || fail "a picture of the whole screen"

cp site.yaml before.yaml
run "a file that is there stays" 1 "$holdfast" setup --out site.yaml "$clip"
has err "site.yaml is there already"
has err "--force"
cmp -s site.yaml before.yaml || fail "it was changed all the same"
run "a layout that is told is kept" 0 "$holdfast" setup --layout 1x1 --force "$clip"
has out "1x1-std: 1 camera"
has site.yaml "    layout: 1x1"
run "and loads too" 0 "$holdfast" config check site.yaml

run "no source" 2 "$holdfast" setup
has err 'needs SOURCE'
run "two sources" 2 "$holdfast" setup a b
run "an unknown option" 2 "$holdfast" setup --fro 3 a
run "no seconds" 2 "$holdfast" setup a --for
run "too short" 2 "$holdfast" setup --for 1 a
run "a layout that is none" 2 "$holdfast" setup --layout 5x5 a
run "help" 0 "$holdfast" setup --help
has out "usage: holdfast setup"
run "a file that is not there" 1 "$holdfast" setup --out n.yaml none.mp4
has err "none.mp4"
echo "this is not a video" >text.mp4
run "a file that is no video" 1 "$holdfast" setup --out n.yaml text.mp4
has err "text.mp4"
run "an address of another kind" 1 "$holdfast" setup --out n.yaml http://me:secret@host/x
has err "rtsp://"
lacks err secret
run "a camera that is not there" 1 "$holdfast" setup --out n.yaml rtsp://me:secret@127.0.0.1:1/x
lacks err secret
run "a device that is none" 1 "$holdfast" setup --out n.yaml /dev/null
has err "/dev/null"
run "no room for the result" 1 "$holdfast" setup --out no/such/folder/n.yaml "$clip"
has err "no/such/folder"
[ ! -e n.yaml ] || fail "a failure left a file"

[ "$failures" = 0 ] || exit 1
echo "all held"
