#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Goal: what the command line and the supervisor's child say of a configuration is what a person
# and a script can rely on: exit codes, stdout for data, stderr for talk, the example current.
#
# usage: config.sh HOLDFAST CONFIG_CHILD EXAMPLE_FILE
set -u
holdfast=$1 child=$2 example=$3
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
failures=0

fail() {
	echo "FAILED: $1"
	[ ! -s "$folder/out" ] || sed 's/^/  stdout: /' "$folder/out"
	[ ! -s "$folder/err" ] || sed 's/^/  stderr: /' "$folder/err"
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

cat >"$folder/good.yaml" <<'YAML'
sources: [{url: clip.mp4}]
cameras: [{id: gate}]
zones: [{id: door, camera: gate, points: [[0.1, 0.1], [0.9, 0.1], [0.5, 0.9]]}]
YAML
touch "$folder/clip.mp4"
printf 'sources: [{url: x}]\ncameras: [{id: a, tiel: 3}]\nhub: {batch_max: 0}\n' >"$folder/bad.yaml"

run "holdfast alone teaches" 2 "$holdfast"
err_has "holdfast config example"
run "help" 0 "$holdfast" --help
out_has "Exit codes"
err_empty
run "a mistyped verb is understood" 2 "$holdfast" cnofig
err_has 'did you mean "holdfast config"?'
run "config alone asks back" 2 "$holdfast" config
run "config --help" 0 "$holdfast" config --help
out_has "usage: holdfast config check"
run "help config" 0 "$holdfast" help config
out_has "usage: holdfast config check"
run "a mistyped sub-verb is understood" 2 "$holdfast" config chekc x
err_has "config check"
run "an unknown option" 2 "$holdfast" config check --jsn "$folder/good.yaml"
err_has 'did you mean --json?'
run "an option where the verb stands" 2 "$holdfast" --jsn status
err_has "the verb comes first"
run "the schema is printed" 0 "$holdfast" config schema
out_has '"$schema":"https://json-schema.org/draft/2020-12/schema"'
err_empty

run "the example is printed" 0 "$holdfast" config example
err_empty
cmp -s "$folder/out" "$example" ||
	fail "$example is not current: holdfast config example > $example"
cp "$folder/out" "$folder/example.yaml"
run "the example loads" 0 "$holdfast" config check "$folder/example.yaml"
out_empty

run "a good file" 0 "$holdfast" config check "$folder/good.yaml"
out_empty
err_has "good: 1 source, 1 camera, 1 zone"
run "a bad file" 1 "$holdfast" config check "$folder/bad.yaml"
out_empty
err_has "$folder/bad.yaml:2:19: cameras[].tiel is not a setting; did you mean \"tile\"?"
err_has "$folder/bad.yaml:3:18: hub.batch_max: 0 is out of range (1 to 1000 events)"
err_has "2 mistakes"
run "a bad file as JSON" 1 "$holdfast" config check --json "$folder/bad.yaml"
out_has '"ok":false'
out_has '"line":2,"column":19,"level":"error"'
err_empty
run "no file" 1 "$holdfast" config check "$folder/none.yaml"
err_has "No such file"
err_has "holdfast config example > $folder/none.yaml"
run "a folder" 1 "$holdfast" config check "$folder"

run "show" 0 "$holdfast" config show "$folder/good.yaml"
out_has "url: \"$folder/clip.mp4\""
out_has "# default"
run "show as JSON" 0 "$holdfast" config show "$folder/good.yaml" --json
out_has '"hub.batch_max":{"value":100,"unit":"events","line":null}'
run "show of a bad file shows nothing" 1 "$holdfast" config show "$folder/bad.yaml"
out_empty

run "the child writes the struct" 0 "$child" "$folder/good.yaml"
[ "$(wc -c <"$folder/out")" -gt 60000 ] || fail "$name: too short"
err_empty
run "the child refuses" 2 "$child" "$folder/bad.yaml"
out_empty
err_has ":2:19:"
# Behind its walls, too, it sees the machine's time zones.
cp "$folder/good.yaml" "$folder/zoned.yaml"
echo 'time: {zone: Europe/Berlin}' >>"$folder/zoned.yaml"
run "the child knows a time zone" 0 "$child" "$folder/zoned.yaml"
err_empty
sed -i 's/Berlin/Berln/' "$folder/zoned.yaml"
run "the child refuses a mistyped time zone" 2 "$child" "$folder/zoned.yaml"
err_has 'did you mean "Europe/Berlin"?'
mkdir "$folder/pack"
echo '{"classes":["cart"]}' >"$folder/pack/model.json"
cat >"$folder/pack.yaml" <<END
model: {path: pack}
sources: [{url: clip.mp4}]
cameras: [{id: a}]
zones: [{id: z, camera: a, loitering: {cart: 60s}, points: [[0, 0], [1, 0], [1, 1]]}]
END
run "the child knows the classes of a model pack, in its sandbox" 0 "$child" "$folder/pack.yaml"
err_empty
run "the child cannot read" 1 "$child" "$folder/none.yaml"
out_empty
run "the child is not for people" 2 "$child"
err_has "holdfast config check"

# The rules of recovery are a file of their own, judged where the unit's is.
"$holdfast" policy example >"$folder/rules.yaml"
cp "$folder/good.yaml" "$folder/ruled.yaml"
echo 'policy: {path: rules.yaml}' >>"$folder/ruled.yaml"
run "a configuration with a policy" 0 "$holdfast" config check "$folder/ruled.yaml"
err_has "good: 1 source"
run "the child writes the policy" 0 "$child" --policy "$folder/rules.yaml"
[ "$(wc -c <"$folder/out")" -gt 10000 ] || fail "$name: too short"
err_empty
sed -i 's/class: latency/class: lateness/' "$folder/rules.yaml"
line=$(grep -n lateness "$folder/rules.yaml" | head -1 | cut -d: -f1)
run "a configuration with a bad policy" 1 "$holdfast" config check "$folder/ruled.yaml"
err_has "$folder/ruled.yaml:4:16: policy.path: $folder/rules.yaml:$line:12: reasons.latency_high.class: \"lateness\" is not a class"
run "the same as JSON" 1 "$holdfast" config check --json "$folder/ruled.yaml"
out_has '"line":4,"column":16,"level":"error","text":"policy.path: '
run "the child refuses a policy" 2 "$child" --policy "$folder/rules.yaml"
out_empty
err_has "$folder/rules.yaml:$line:12: "
rm "$folder/rules.yaml"
run "a policy that is not there" 1 "$holdfast" config check "$folder/ruled.yaml"
err_has "policy.path: open $folder/rules.yaml: No such file"
run "the child cannot read a policy" 1 "$child" --policy "$folder/rules.yaml"
out_empty

run "no unit is running" 3 "$holdfast" status --data "$folder/none"
out_empty
err_has "holdfastd --config"
run "no data folder" 1 "$holdfast" outbox verify "$folder/none"
err_has "that holdfastd was given with --data"
run "status without a folder" 2 "$holdfast" status --data

[ "$failures" = 0 ] || echo "$failures failed"
[ "$failures" = 0 ]
