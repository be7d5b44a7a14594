#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Goal: what the command line says of a policy is what a person and a script can rely on: exit codes,
# stdout for data, stderr for talk; and the documentation's table is the default policy's.
#
# usage: policy.sh HOLDFAST DEFAULT_POLICY SEED_POLICY DOC
set -u
holdfast=$1 policy=$2 seed=$3 doc=$4
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
failures=0

fail() {
	echo "FAILED: $1"
	[ ! -s "$folder/out" ] || sed 's/^/  stdout: /' "$folder/out" | head -20
	[ ! -s "$folder/err" ] || sed 's/^/  stderr: /' "$folder/err" | head -20
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

out_has() { grep -qF -- "$1" "$folder/out" || fail "$name: stdout lacks: $1"; }
err_has() { grep -qF -- "$1" "$folder/err" || fail "$name: stderr lacks: $1"; }
out_empty() { [ ! -s "$folder/out" ] || fail "$name: stdout is not empty"; }
err_empty() { [ ! -s "$folder/err" ] || fail "$name: stderr is not empty"; }

run "the example is the default policy" 0 "$holdfast" policy example
err_empty
cmp -s "$folder/out" "$policy" || fail "holdfast policy example differs from $policy"
for file in "$policy" "$seed"; do
	run "$file is sound" 0 "$holdfast" policy check "$file"
	out_empty
	err_has "good: policy"
	[ "$(wc -l <"$folder/err")" = 1 ] || fail "$file is warned of"
done

sed -e 's/class: sensor/class: senser/' -e 's/frame_age > 5s/frame_age > 5C/' \
	-e 's/^  actuate: false/  actuate: true/' "$policy" >"$folder/bad.yaml"
line=$(grep -n 'actuate: true' "$folder/bad.yaml" | cut -d: -f1)
run "a bad policy" 1 "$holdfast" policy check "$folder/bad.yaml"
out_empty
err_has '"senser" is not a class'
err_has "\"C\" does not fit"
err_has "$folder/bad.yaml:$line:12: safe_mode.actuate must be false"
err_has "mistakes; nothing was changed"
run "a bad policy, for a script" 1 "$holdfast" policy check --json "$folder/bad.yaml"
err_empty
out_has '"ok":false'
out_has "\"line\":$line,\"column\":12,\"level\":\"error\""
run "a policy that is not there" 1 "$holdfast" policy check "$folder/none.yaml"
err_has "holdfast policy example > $folder/none.yaml"
run "a policy that is not there, for a script" 1 "$holdfast" policy check --json "$folder/none.yaml"
out_has '"failure":"'
run "a good policy, for a script" 0 "$holdfast" policy check --json "$policy"
out_has '"ok":true,"errors":0,"warnings":0,"failure":null,"messages":[]'
run "check wants a file" 2 "$holdfast" policy check

run "explain" 0 "$holdfast" policy explain latency_severe
err_empty
out_has "It is bad while infer.p99 > 200%."
out_has "It becomes active when that has held for 10s."
out_has "2. fallback_model (impact 40)"
out_has "at most 1 in 24h"
run "explain says what is not available" 0 "$holdfast" policy explain unclean_starts
out_has "Not available, passed over: there are no releases"
run "explain of another policy" 0 "$holdfast" policy explain gpu_oom --policy "$seed"
out_has "infer.out_of_memory > 2"
run "explain, for a script" 0 "$holdfast" policy explain camera_lost --json
out_has '"when":"camera.frame_age > 5s"'
out_has '"ladder":[{"action":"hold_camera"'
run "a mistyped reason is understood" 1 "$holdfast" policy explain camera_lots
err_has 'did you mean "camera_lost"?'
run "explain by a bad policy" 1 "$holdfast" policy explain camera_lost --policy "$folder/bad.yaml"
out_empty
err_has "safe_mode.actuate must be false"

run "signals" 0 "$holdfast" policy signals
out_has "camera.frame_age"
run "signals, for a script" 0 "$holdfast" policy signals --json
out_has '{"signal":"infer.p99","scope":"unit","unit":"permille"'
run "the table" 0 "$holdfast" policy table
out_has "By class and state"
run "the table, for a script" 0 "$holdfast" policy table --json
out_has '"safe_mode":{"actuate":false,"auto_exit_classes":["sensor","latency","resource"]'

run "the table, for a document" 0 "$holdfast" policy table --markdown
sed -n '/^<!-- policy table: begin -->$/,/^<!-- policy table: end -->$/p' "$doc" | sed '1d;$d' >"$folder/doc"
cmp -s "$folder/doc" "$folder/out" || fail "the table in $doc is not that of the default policy: put \
the output of \"holdfast policy table --markdown\" between its marks"

[ "$failures" = 0 ] || echo "$failures failed"
[ "$failures" = 0 ]
