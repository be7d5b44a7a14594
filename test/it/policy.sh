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

# A detector dies and is back, a camera is away for half a minute, and results come too late until
# the unit is in safe mode, which it leaves by itself. By a policy of its own: the default may change.
cp "$(dirname "$0")/../fuzz/corpus/policy_trace/crash-camera-latency" "$folder/trace.jsonl"
cat >"$folder/own.yaml" <<'YAML'
schema: holdfast.policy/1
name: own
signals:
  camera.frame_age: {stale_after: 3s, required: true}
  infer.p99: {stale_after: 30s, required: true}
reasons:
  dead: {class: process, workers: [infer], when: worker.down, clear: {when: not worker.down, hold: 30s}, ladder: [restart_worker]}
  lost: {class: sensor, when: camera.frame_age > 5s, clear: {when: camera.frame_age < 1s, hold: 60s}, ladder: [hold_camera]}
  slow: {class: latency, when: infer.p99 > 2x, hold: 10s, clear: {when: infer.p99 < 0.8x, hold: 120s}, ladder: [shed, safe_mode]}
  dark: {class: blind, scope: camera, when: unknown(required), clear: {hold: 30s}}
  blind: {class: blind, scope: unit, when: unknown(required), clear: {hold: 30s}}
actions:
  hold_camera: {}
  shed: {settle: 10s, verify: 10s}
  restart_worker: {waits: [50ms], budget: 3/10m, settle: 5s, verify: 30s}
  safe_mode: {}
safe_mode: {actuate: false, auto_exit: {classes: [latency], healthy: 30m, max: 1/24h}}
YAML
sed -e 's/name: own/name: other/' -e 's/\(slow:.*\)hold: 10s/\1hold: 20s/' "$folder/own.yaml" >"$folder/other.yaml"
run "simulate" 0 "$holdfast" policy simulate "$folder/trace.jsonl" --policy "$folder/own.yaml"
err_has "by policy own; at the end: healthy"
# has TIME CHANGE WORD...: in one line
has() {
	grep -E "^ +$1  $2( .*)?$" "$folder/out" >"$folder/line"
	what="$1 $2"
	shift 2
	for word in "$@"; do
		grep -qF -- "$word" "$folder/line" || fail "$name: $what lacks: $word"
	done
}
# Of 50 ms: waits are spread by up to a fifth, always the same for the same worker.
has 4.000 action_chosen "worker 3" dead restart_worker "in 43ms"
has 39.150 action_verified "worker 3" restart_worker
has 59.000 mode_engaged "camera 2" lost hold_camera
has 209.000 mode_engaged slow shed
has 219.000 state_changed "to safe_mode"
has 2099.000 safe_mode_left
run "simulate, for a script" 0 "$holdfast" policy simulate "$folder/trace.jsonl" --policy "$folder/own.yaml" --json
out_has '{"policy":"own","t":220000,"change":"state_changed","reason":null,"scope":0,"action":null,"state":"safe_mode"'
run "simulate by the default" 0 "$holdfast" policy simulate "$folder/trace.jsonl"
err_has "by policy default"
run "two policies" 0 "$holdfast" policy simulate "$folder/trace.jsonl" --policy "$folder/own.yaml" --against "$folder/other.yaml"
out_has "- only by own, + only by other"
grep -q '^- *219.000  state_changed .*to safe_mode' "$folder/out" || fail "$name: own is safe at 219 s"
grep -q '^+ *229.000  state_changed .*to safe_mode' "$folder/out" || fail "$name: other is safe at 229 s"
! grep -q restart_worker "$folder/out" || fail "$name: what both decide alike is shown"
# An operator's word about a reason that this policy does not have is not one about all of its own.
cat >"$folder/latched.yaml" <<'YAML'
schema: holdfast.policy/1
name: latched
signals:
  camera.frame_age: {stale_after: 1h, required: true}
  infer.p99: {stale_after: 1h, required: true}
reasons:
  wrong: {class: integrity, when: infer.golden_mismatch > 0, clear: {when: infer.golden_mismatch == 0, hold: 10s}, holds: true, latch: operator}
  dark: {class: blind, scope: camera, when: unknown(required), clear: {hold: 30s}}
  blind: {class: blind, scope: unit, when: unknown(required), clear: {hold: 30s}}
actions:
  safe_mode: {}
safe_mode: {actuate: false, auto_exit: {classes: [latency], healthy: 30m, max: 1/24h}}
YAML
for word in another wrong; do
	cat >"$folder/said.jsonl" <<EOF
{"full":true,"t":1000,"boot":1,"run":1,"uptime":1000,"workers":6,"sources":1,"cameras":1,"s":[["infer.golden_mismatch",0,1],["infer.p99",0,100]]}
{"t":2000,"uptime":2000,"s":[["infer.golden_mismatch",0,0]]}
{"t":20000,"uptime":20000,"command":["ack",null,"$word",0]}
{"t":21000,"uptime":21000}
EOF
	run "a word about $word" 0 "$holdfast" policy simulate "$folder/said.jsonl" --policy "$folder/latched.yaml"
	[ "$(grep -c 'reason_cleared *wrong' "$folder/out")" = "$([ $word = wrong ] && echo 1 || echo 0)" ] ||
		fail "$name: $(cat "$folder/out")"
done
run "a policy against itself" 0 "$holdfast" policy simulate "$folder/trace.jsonl" --against "$policy"
[ "$(wc -l <"$folder/out")" = 1 ] || fail "$name: a policy differs from itself"
head -c 1000 "$folder/trace.jsonl" >"$folder/cut.jsonl"
run "a trace cut by a power cut" 1 "$holdfast" policy simulate "$folder/cut.jsonl"
err_has "has no full line"
sed '3s/"t"/"tt"/' "$folder/trace.jsonl" >"$folder/bad.jsonl"
run "a trace with a mistake" 1 "$holdfast" policy simulate "$folder/bad.jsonl"
err_has "bad.jsonl: line 3: t is missing"
run "a trace that is not there" 1 "$holdfast" policy simulate "$folder/none.jsonl"

run "the table, for a document" 0 "$holdfast" policy table --markdown
sed -n '/^<!-- policy table: begin -->$/,/^<!-- policy table: end -->$/p' "$doc" | sed '1d;$d' >"$folder/doc"
cmp -s "$folder/doc" "$folder/out" || fail "the table in $doc is not that of the default policy: put \
the output of \"holdfast policy table --markdown\" between its marks"

[ "$failures" = 0 ] || echo "$failures failed"
[ "$failures" = 0 ]
