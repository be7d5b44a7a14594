/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/policy.h"

#include "base/auto.h"
#include "shape/policy_text.h"
#include "test.h"

#include <string.h>

static struct hf_policy policy;
static struct hf_report report;
static struct hf_err err;

static enum hf_code parse(const char *text)
{
	return hf_policy_parse("unit.policy", text, strlen(text), &policy, &report, &err);
}

/* All messages, as a person sees them. */
static const char *messages(void)
{
	static char text[16384];
	FILE *stream = fmemopen(text, sizeof text - 1, "w");

	memset(text, 0, sizeof text);
	hf_report_print(&report, stream);
	(void)fclose(stream);
	return text;
}

static const struct hf_policy_reason *reason(const char *name)
{
	for (unsigned i = 0; i < policy.reason_count; i++)
		if (strcmp(policy.reasons[i].name, name) == 0)
			return &policy.reasons[i];
	fail_msg("no reason %s", name);
	return NULL;
}

/* Five lines; what is tested begins with line 6. */
#define HEAD                                                              \
	"schema: holdfast.policy/1\n"                                     \
	"name: test\n"                                                    \
	"signals: {camera.frame_age: {stale_after: 3s, required: true}, " \
	"infer.p99: {stale_after: 30s, required: true}}\n"                \
	"safe_mode: {actuate: false}\n"                                   \
	"reasons:\n"
#define BLIND                                                                                 \
	"  blind: {class: blind, scope: unit, when: unknown(required), clear: {hold: 30s}}\n" \
	"  dark: {class: blind, scope: camera, when: unknown(required), clear: {hold: 30s}}\n"
#define ACTIONS                                                                  \
	"actions:\n"                                                             \
	"  hold_camera: {}\n"                                                    \
	"  shed: {hold: 60s, settle: 10s, verify: 10s}\n"                        \
	"  fallback_model: {settle: 10s, verify: 10s}\n"                         \
	"  restart_worker: {budget: [3/10m, 12/24h], settle: 5s, verify: 30s}\n" \
	"  restart_group: {budget: 2/30m, settle: 5s, verify: 30s}\n"            \
	"  restart_all: {budget: 1/1h, verify: 90s}\n"                           \
	"  reboot: {budget: 2/24h, uptime: 10m, verify: 2m}\n"                   \
	"  rollback_release: {unavailable: none yet}\n"                          \
	"  safe_mode: {}\n"
/* A file with one reason, in line 6. */
#define ONE(text) HEAD "  one: {" text "}\n" BLIND ACTIONS
#define CLEAR     "clear: {when: camera.frame_age < 1s, hold: 60s}"

TEST(a_reason_arrives_as_it_was_written)
{
	CHECK_OK(parse(ONE("class: sensor, when: camera.frame_age > 5s, hold: 2s, clear: {when: "
			   "camera.frame_age < 1s, hold: 60s, refill: 0.5}, ladder: [hold_camera, "
			   "safe_mode]")));
	const struct hf_policy_reason *one = reason("one");
	CHECK_U64(one->class_of, ==, HF_CLASS_SENSOR);
	CHECK_U64(one->scope, ==, HF_SCOPE_CAMERA);
	CHECK_U64(one->latch, ==, HF_LATCH_AUTO);
	CHECK_U64(one->line, ==, 6);
	CHECK_U64(one->when.term_count, ==, 1);
	CHECK_U64(one->when.terms[0].signal, ==, HF_SIGNAL_CAMERA_FRAME);
	CHECK_U64(one->when.terms[0].compare, ==, HF_COMPARE_ABOVE);
	CHECK_I64(one->when.terms[0].value, ==, 5000);
	CHECK_I64(one->hold_ms, ==, 2000);
	CHECK_I64(one->clear.terms[0].value, ==, 1000);
	CHECK_I64(one->clear_hold_ms, ==, 60000);
	CHECK_U64(one->refill_permille, ==, 500);
	CHECK_U64(one->rung_count, ==, 2);
	CHECK_U64(one->ladder[1], ==, HF_ACTION_SAFE_MODE);
	CHECK_TEXT(policy.name, "test");
	CHECK(!policy.shadow && !policy.safe_actuate);
	CHECK(policy.signals[HF_SIGNAL_INFER_P99].required);
	CHECK_I64(policy.signals[HF_SIGNAL_INFER_P99].stale_ms, ==, 30000);
	CHECK_OK(hf_policy_check(&policy, &err));
}

TEST(actions_flap_and_safe_mode_arrive_as_they_were_written)
{
	CHECK_OK(
		parse("schema: holdfast.policy/1\nname: test\nmode: shadow\nepisode: 5m\n"
		      "flap: {entries: 3, window: 20m, doublings: 2}\n"
		      "safe_mode:\n  auto_exit: {classes: [sensor, latency], healthy: 30m, max: "
		      "1/24h}\n"
		      "signals:\n  camera.frame_age: {required: true}\n  infer.p99: {required: "
		      "true}\n"
		      "reasons:\n" BLIND "  down: {class: process, when: worker.down, workers: "
		      "[ingest, infer], clear: {when: not worker.down}, ladder: [restart_worker]}\n"
		      "actions:\n  restart_worker:\n    waits: [50ms, 500ms, 5s]\n    budget: "
		      "[3/10m, 12/24h]\n    settle: 5s\n    verify: 30s\n    deadline: 7s\n"));
	const struct hf_policy_action *action = &policy.actions[HF_ACTION_RESTART_WORKER];
	CHECK(policy.shadow);
	CHECK_I64(policy.episode_ms, ==, 300000);
	CHECK_U64(policy.flap_entries, ==, 3);
	CHECK_I64(policy.flap_window_ms, ==, 1200000);
	CHECK_U64(policy.flap_shift_max, ==, 2);
	CHECK_U64(policy.safe_exit_classes, ==, 1U << HF_CLASS_SENSOR | 1U << HF_CLASS_LATENCY);
	CHECK_I64(policy.safe_exit_healthy_ms, ==, 1800000);
	CHECK_U64(policy.safe_exit_budget.count, ==, 1);
	CHECK_I64(policy.safe_exit_budget.window_ms, ==, 86400000);
	CHECK(action->listed && !action->unavailable);
	CHECK_U64(action->impact, ==, 20);
	CHECK_U64(action->budgets[1].count, ==, 12);
	CHECK_I64(action->waits_ms[0], ==, 50);
	CHECK_I64(action->waits_ms[2], ==, 5000);
	CHECK_I64(action->waits_ms[3], ==, 0);
	CHECK_I64(action->deadline_ms, ==, 7000);
	/* ingest is role 1, infer 2 */
	CHECK_U64(reason("down")->workers, ==, 6);
}

/* Each: one reason's text, and a piece of the message it must give, with its place. */
static const struct {
	const char *text;
	const char *message;
} refusals[] = {
	/* keys and words */
	{ ONE("class: sensor, hodl: 5s, when: camera.frame_age > 5s, " CLEAR),
	  ":6:24: reasons.one.hodl is not a setting, so it would have no effect; did you mean "
	  "\"hold\"?" },
	{ ONE("class: sensor, class: link, when: camera.frame_age > 5s, " CLEAR),
	  ":6:24: reasons.one.class was set before, in line 6" },
	{ ONE("class: senser, when: camera.frame_age > 5s, " CLEAR),
	  ":6:16: reasons.one.class: \"senser\" is not a class" },
	{ ONE("class: sensor, when: camera.fram_age > 5s, " CLEAR),
	  ":6:30: reasons.one.when: there is no signal \"camera.fram_age\", so this would never "
	  "hold; did you mean \"camera.frame_age\"?" },
	{ ONE("class: sensor, when: \"worker.down or camera.fram_age > 5s\", " CLEAR),
	  ":6:46: reasons.one.when: there is no signal \"camera.fram_age\"" },
	{ ONE("class: sensor, when: camera.frame_age > 5s, " CLEAR ", ladder: [hold_camra]"),
	  "reasons.one.ladder: there is no action \"hold_camra\"; did you mean \"hold_camera\"?" },
	{ ONE("class: sensor, when: camera.frame_age > 5s, " CLEAR ", latch: operater"),
	  "is not a latch: there are auto, operator, reboot, release; did you mean \"operator\"?" },
	{ ONE("when: camera.frame_age > 5s, " CLEAR), ":6:3: reasons.one has no class" },
	{ ONE("class: sensor, " CLEAR), ":6:3: reasons.one has no when" },
	/* units */
	{ ONE("class: sensor, when: camera.frame_age > 5, " CLEAR),
	  ":6:49: reasons.one.when: 5 has no unit, and camera.frame_age could be meant in any" },
	{ ONE("class: sensor, when: camera.frame_age > 5C, " CLEAR),
	  ":6:49: reasons.one.when: \"C\" does not fit camera.frame_age, which is in ms" },
	{ ONE("class: resource, when: disk.free < 5s, clear: {when: disk.free > 10%}"),
	  "\"s\" does not fit disk.free, which is in permille: it takes % or x" },
	{ ONE("class: resource, when: disk.free < 0.05%, clear: {when: disk.free > 10%}"),
	  "0.05% is finer than disk.free, which is in whole permille" },
	{ ONE("class: resource, when: outbox.full > 0, clear: {when: not outbox.full}"),
	  "outbox.full is true or false: write outbox.full or not outbox.full" },
	{ ONE("class: sensor, when: camera.frame_age, " CLEAR),
	  ":6:30: reasons.one.when: camera.frame_age is not true or false but in ms: compare it" },
	/* the grammar */
	{ ONE("class: sensor, when: camera.frame_age = 5s, " CLEAR), "the comparisons are >, >=" },
	{ ONE("class: sensor, when: camera.frame_age >, " CLEAR), "a number is missing here" },
	{ ONE("class: sensor, when: camera.frame_age > 5s and, " CLEAR),
	  "a signal is missing here" },
	{ ONE("class: sensor, when: camera.frame_age > 5s xor outbox.full, " CLEAR),
	  ":6:52: reasons.one.when: \"and\", \"or\" or the end is expected here, not \"xor\"" },
	{ ONE("class: sensor, when: camera.frame_age > 5s and outbox.full or state.lost, " CLEAR),
	  "\"and\" and \"or\" in one condition" },
	{ ONE("class: sensor, when: camera.frame_age > 5s and camera.frame_age > 6s and "
	      "camera.frame_age > 7s and camera.frame_age > 8s and camera.frame_age > 9s, " CLEAR),
	  "more than 4 comparisons" },
	{ ONE("class: sensor, when: unknown(camera.frame_age) and camera.drop_ratio > 5%, " CLEAR),
	  "unknown(...) is joined by \"or\"" },
	{ ONE("class: sensor, when: unknown(camera.frame_age) or camera.drop_ratio > 5%, " CLEAR),
	  "add unknown(camera.drop_ratio), or make two reasons" },
	{ ONE("class: sensor, when: unknown(required), clear: {hold: 30s}"),
	  "unknown(required) is what class blind is for" },
	/* what can never clear, or never be */
	{ ONE("class: sensor, when: camera.frame_age > 5s"),
	  ":6:3: reasons.one never clears: it has no clear.when, and latch is auto; write clear: "
	  "{when: \"camera.frame_age <= 5s\", hold: 30s}" },
	{ ONE("class: sensor, when: camera.frame_age > 5s, clear: {when: camera.frame_age < 10s}"),
	  "reasons.one.clear.when holds while it is bad (camera.frame_age at 5001ms)" },
	{ ONE("class: sensor, when: camera.frame_age > 5s or camera.drop_ratio > 10%, clear: "
	      "{when: "
	      "camera.frame_age < 1s}"),
	  "reasons.one.clear.when holds while it is bad (camera.drop_ratio at 10.1%)" },
	{ ONE("class: sensor, when: camera.frame_age > 5s or unknown(camera.frame_age), clear: "
	      "{when: "
	      "camera.drop_ratio < 1%}"),
	  "reasons.one.clear.when holds while it is bad" },
	{ ONE("class: sensor, when: camera.frame_age > 5s, clear: {when: camera.frame_age < 1s and "
	      "camera.frame_age > 2s}"),
	  "reasons.one.clear.when: no value can ever make this hold, so the reason would stay" },
	{ ONE("class: sensor, when: camera.frame_age < 0s, " CLEAR),
	  "reasons.one.when: no value can ever make this hold, so it watches nothing" },
	{ ONE("class: sensor, when: camera.frame_age > 5s, clear: {when: "
	      "unknown(camera.frame_age)}"),
	  "what is not known is never fine" },
	{ ONE("class: sensor, when: camera.frame_age > 5s, clear: {when: camera.frame_age < 1s, "
	      "refill: 1.5}"),
	  "reasons.one.clear.refill: 1.5 is out of range (0 to 1 of the time)" },
	/* holds */
	{ ONE("class: sensor, when: camera.frame_age > 5s, hold: 500ms, " CLEAR),
	  ":6:59: reasons.one.hold is shorter than the time between two samples (1s)" },
	{ ONE("class: sensor, when: camera.frame_age > 5s, clear: {when: camera.frame_age < 1s, "
	      "hold: "
	      "999ms}"),
	  "reasons.one.clear.hold is shorter than the time between two samples (1s)" },
	{ ONE("class: sensor, when: camera.frame_age > 5s, hold: 5, " CLEAR), "\"5\" has no unit" },
	/* scopes */
	{ ONE("class: sensor, when: camera.frame_age > 5s and worker.down, " CLEAR),
	  "reasons.one is about a worker and about a camera" },
	{ ONE("class: sensor, scope: unit, when: camera.frame_age > 5s, " CLEAR),
	  "reasons.one.scope: its signals are of the camera" },
	{ ONE("class: sensor, workers: [infer], when: camera.frame_age > 5s, " CLEAR),
	  "reasons.one.workers has no effect" },
	{ ONE("class: process, workers: [hub], when: worker.down, clear: {when: not worker.down}"),
	  "\"hub\" is not a worker: there are ingest, infer, respond, keeper, uplink" },
	/* ladders */
	{ ONE("class: link, when: link.outbox_age > 1h, clear: {when: link.outbox_age < 1m}, "
	      "ladder: "
	      "[restart_group]"),
	  "reasons.one.ladder: restart_group is not for class link: the way to the hub" },
	{ ONE("class: resource, when: disk.free < 5%, clear: {when: disk.free > 10%}, ladder: "
	      "[reboot]"),
	  "reasons.one.ladder: reboot is not for class resource: it frees no disk" },
	{ ONE("class: latency, when: infer.p99 > 2x, clear: {when: infer.p99 < 1x}, ladder: "
	      "[restart_all]"),
	  "reasons.one.ladder: restart_all is not for class latency" },
	{ ONE("class: process, when: worker.down, clear: {when: not worker.down}, ladder: "
	      "[restart_worker, retry_worker]"),
	  "reasons.one.ladder: retry_worker is not among actions" },
	{ ONE("class: process, when: worker.down, clear: {when: not worker.down}, ladder: "
	      "[restart_group, restart_worker]"),
	  "restart_worker (impact 20) stands behind restart_group (35): the mildest comes first" },
	{ ONE("class: process, when: worker.down, clear: {when: not worker.down}, ladder: "
	      "[safe_mode, restart_worker]"),
	  "restart_worker can never be reached: it stands behind safe_mode" },
	{ ONE("class: process, when: worker.down, clear: {when: not worker.down}, ladder: "
	      "[restart_worker, restart_group, restart_worker]"),
	  "restart_worker is there before" },
	{ ONE("class: sensor, when: camera.frame_age > 5s, " CLEAR ", ladder: [restart_worker]"),
	  "restart_worker is about one worker, the reason about the camera" },
	{ ONE("class: accelerator, when: infer.device_errors > 0, clear: {when: "
	      "infer.device_errors "
	      "== 0}, ladder: [restart_worker]"),
	  "restart_worker is about one worker, the reason about the unit" },
	{ ONE("class: sensor, when: camera.frame_age > 5s, " CLEAR ", ladder: hold_camera"),
	  "reasons.one.ladder is a list of actions" },
	/* records_only, recovering */
	{ ONE("class: link, records_only: false, when: link.outbox_age > 1h, clear: {when: "
	      "link.outbox_age < 1m}"),
	  "a reason of class link is recorded and no more" },
	{ ONE("class: sensor, records_only: true, when: camera.frame_age > 5s, " CLEAR
	      ", ladder: [hold_camera]"),
	  "has a ladder and records_only" },
	{ ONE("class: sensor, recovering: true, when: camera.frame_age > 5s, " CLEAR
	      ", ladder: [hold_camera]"),
	  "reasons.one.recovering is for what passes by itself" },
	{ ONE("class: sensor, holds: yes, when: camera.frame_age > 5s, " CLEAR),
	  "reasons.one.holds: \"yes\" is neither true nor false; write true" },
	/* names */
	{ HEAD "  one: {class: sensor, when: camera.frame_age > 5s, " CLEAR "}\n"
	       "  one: {class: sensor, when: camera.frame_age > 6s, " CLEAR "}\n" BLIND ACTIONS,
	  ":7:3: reasons.one is there already, in line 6" },
	{ HEAD "  One: {class: sensor, when: camera.frame_age > 5s, " CLEAR "}\n" BLIND ACTIONS,
	  ":6:3: reasons.One: a reason's name is at most 31 small letters" },
	{ HEAD "  one: 5\n" BLIND ACTIONS, ":6:8: reasons.one is a group of settings" },
};

TEST(each_mistake_of_a_reason_is_refused_where_it_stands)
{
	unsigned wrong = 0;

	for (size_t i = 0; i < HF_ARRAY_LEN(refusals); i++) {
		bool refused = parse(refusals[i].text) == HF_E_INVALID;

		if (refused && report.errors == 1 &&
		    strstr(messages(), refusals[i].message) != NULL)
			continue;
		wrong++;
		print_message("[%zu] %u errors, wanted: %s\n%s\n", i, report.errors,
			      refusals[i].message, messages());
	}
	CHECK_U64(wrong, ==, 0);
}

/* A file without line numbers that matter: `with` in place of a part of a sound one. */
static const char *with(const char *part, const char *replacement)
{
	static char text[8192];
	static const char sound[] =
		ONE("class: process, when: worker.down, clear: {when: not worker.down}, ladder: "
		    "[restart_worker, restart_group, restart_all, reboot, rollback_release, "
		    "safe_mode]") "flap: {entries: 4, window: 10m, doublings: 3}\n";
	const char *at = strstr(sound, part);

	assert_non_null(at);
	(void)snprintf(text, sizeof text, "%.*s%s%s", (int)(at - sound), sound, replacement,
		       at + strlen(part));
	return text;
}

static const struct {
	const char *part;
	const char *replacement;
	const char *message;
} changes[] = {
	{ "schema: holdfast.policy/1\n", "", ":1:1: schema is missing" },
	{ "holdfast.policy/1", "holdfast.policy/2",
	  ":1:9: schema: \"holdfast.policy/2\" is not what this build reads" },
	{ "name: test", "# no name", ":1:1: name is missing: events and status say by it" },
	{ "name: test", "name: \"\"", ":2:7: name is missing" },
	{ "name: test", "mode: shadowy\nname: test",
	  ":2:7: mode: \"shadowy\" is neither enforce nor shadow" },
	{ "name: test", "nmae: test",
	  "nmae is not a setting, so it would have no effect; did you "
	  "mean \"name\"?" },
	{ "name: test", "name: test\nname: other", "name was set before, in line 2" },
	{ "actuate: false", "actuate: true",
	  ":4:22: safe_mode.actuate must be false: a unit that does not trust itself" },
	{ "actuate: false", "auto_exit: {classes: [sensor], healthy: 30m}",
	  "safe_mode.auto_exit has no max" },
	{ "actuate: false", "auto_exit: {classes: [sensor], healthy: 30s, max: 1/24h}",
	  "safe_mode.auto_exit.healthy is shorter than 1m" },
	{ "actuate: false", "auto_exit: {healthy: 30m, max: 1/24h}", "auto_exit has no classes" },
	{ "actuate: false", "auto_exit: {classes: [sensr], healthy: 30m, max: 1/24h}",
	  "there is no class \"sensr\"; did you mean \"sensor\"?" },
	/* signals */
	{ "camera.frame_age: {stale_after: 3s, required: true}", "camera.frame_age: {}",
	  ":3:11: signals.camera.frame_age is not required: a unit that cannot tell it would call "
	  "itself healthy" },
	{ "camera.frame_age: {", "camera.fame_age: {",
	  "signals: there is no signal \"camera.fame_age\"; did you mean \"camera.frame_age\"?" },
	{ "stale_after: 3s", "stale_after: 500ms",
	  "signals.camera.frame_age.stale_after is shorter than the time between two samples" },
	{ "stale_after: 3s", "unit: C, stale_after: 3s",
	  ":3:36: signals.camera.frame_age.unit: \"C\" does not fit: it is in ms" },
	{ "signals: {", "signals: {disk.free: {required: true}, disk.free: {}, ",
	  "signals.disk.free is there already, in line 3" },
	{ "infer.p99: {", "worker.down: {required: true}, infer.p99: {",
	  "signals.worker.down is required and no reason asks for it; add one of class blind: "
	  "{class: blind, scope: worker" },
	/* actions */
	{ "budget: [3/10m, 12/24h], ", "", "actions.restart_worker has no budget" },
	{ "3/10m", "0/10m", "actions.restart_worker.budget: 0 is out of range (1 to " },
	{ "3/10m", "3", "actions.restart_worker.budget: \"3\" has no window" },
	{ "3/10m", "3/10", "actions.restart_worker.budget: \"10\" has no unit" },
	{ "3/10m", "3/1m",
	  "actions.restart_worker.budget: its window is shorter than 120s, 10 times the slowest "
	  "crash and start (12s)" },
	{ "12/24h", "2/24h", "actions.restart_worker.budget: one of the two never counts" },
	{ "12/24h]", "12/24h, 13/48h]", "actions.restart_worker.budget is a list of at most 2" },
	{ "{budget: 1/1h, verify: 90s}", "{budget: 1/1h}",
	  ":15:3: actions.restart_all has no verification: it would count as a success" },
	{ "restart_all: {", "restart_al: {",
	  "actions: there is no action \"restart_al\"; did you mean \"restart_all\"?" },
	{ "uptime: 10m", "impact: 20",
	  "actions.reboot.impact is not for a policy to say: what an action costs is known" },
	{ "uptime: 10m", "wait: 20s",
	  "actions.reboot.wait is not a setting, so it would have no "
	  "effect; did you mean \"waits\"?" },
	{ "uptime: 10m", "waits: [1s, 2s, 3s, 4s, 5s]",
	  "actions.reboot.waits is a list of at most" },
	{ "  safe_mode: {}\n", "  safe_mode: {}\n  safe_mode: {}\n",
	  "actions.safe_mode is there already" },
	{ "window: 10m", "window: 60s", "flap.window is shorter than 120s" },
	{ "entries: 4", "entries: 1", "flap.entries: 1 is out of range (2 to 255 entries)" },
	/* YAML */
	{ "name: test", "name: &x test", ":2:7: anchor &x: anchors and aliases are not taken" },
	{ "name: test", "name: *x", "anchors and aliases are not taken" },
	{ "name: test", "name: !!str test", "tags are not taken" },
	{ "name: test", "name: test\n---\na: b", "a second document begins here" },
	{ "name: test", "name: t\xffst", ":2:8: byte 0xff is not UTF-8" },
	{ "name: test", "name: [[[[[[[[[[]]]]]]]]]]", "no policy is like that" },
	{ "name: test", "\tname: test", "YAML is indented with spaces, never with tabs" },
};

TEST(each_mistake_elsewhere_is_refused_where_it_stands)
{
	unsigned wrong = 0;

	CHECK_OK(parse(with("name: test", "name: test")));
	for (size_t i = 0; i < HF_ARRAY_LEN(changes); i++) {
		bool refused = parse(with(changes[i].part, changes[i].replacement)) == HF_E_INVALID;

		if (refused && strstr(messages(), changes[i].message) != NULL)
			continue;
		wrong++;
		print_message("[%zu] wanted: %s\n%s\n", i, changes[i].message, messages());
	}
	CHECK_U64(wrong, ==, 0);
}

TEST(every_mistake_is_told_in_one_run_in_the_order_of_the_file)
{
	CHECK_CODE(parse(HEAD
			 "  one: {class: sensr, when: camera.frame_age > 5s, " CLEAR "}\n"
			 "  two: {class: sensor, when: camera.fame > 5s, " CLEAR "}\n"
			 "  tri: {class: sensor, when: camera.frame_age > 5s, hold: 1ms, " CLEAR
			 "}\n" BLIND "actions:\n  reboot: {verify: 30s}\n"),
		   HF_E_INVALID);
	CHECK_U64(report.errors, ==, 4);
	CHECK_U64(report.messages[0].place.line, ==, 6);
	CHECK_U64(report.messages[1].place.line, ==, 7);
	CHECK_U64(report.messages[2].place.line, ==, 8);
	CHECK_U64(report.messages[3].place.line, ==, 12);
	CHECK(strncmp(err.text, "unit.policy:6:16: ", 18) == 0);
}

TEST(more_reasons_than_fit_are_refused)
{
	static char text[16384];
	size_t at = (size_t)snprintf(text, sizeof text, "%s", HEAD);

	for (unsigned i = 0; i <= HF_POLICY_REASONS_MAX; i++)
		at += (size_t)snprintf(
			text + at, sizeof text - at,
			"  r%u: {class: sensor, when: camera.frame_age > 5s, " CLEAR "}\n", i);
	CHECK_CODE(parse(text), HF_E_INVALID);
	CHECK(strstr(messages(), ":54:3: reasons.r48: more than 48 reasons") != NULL);
}

TEST(a_ladder_longer_than_fits_is_refused)
{
	CHECK_CODE(parse(ONE("class: process, when: worker.down, clear: {when: not worker.down}, "
			     "ladder: [restart_worker, restart_group, fallback_model, restart_all, "
			     "reboot, rollback_release, safe_mode, safe_mode, safe_mode]")),
		   HF_E_INVALID);
	CHECK(strstr(messages(), "reasons.one.ladder: more than 8 rungs") != NULL);
}

TEST(a_file_that_is_too_large_is_refused_before_it_is_read)
{
	HF_AUTO_FREE char *text = malloc(HF_POLICY_FILE_BYTES_MAX + 1);

	assert_non_null(text);
	memset(text, '#', HF_POLICY_FILE_BYTES_MAX + 1);
	CHECK_CODE(hf_policy_parse("x", text, HF_POLICY_FILE_BYTES_MAX + 1, &policy, &report, &err),
		   HF_E_LIMIT);
}

TEST(plain_numbers_are_in_the_unit_that_the_file_declares)
{
	CHECK_OK(parse("schema: holdfast.policy/1\nname: test\nsignals:\n"
		       "  camera.frame_age: {unit: s, required: true}\n"
		       "  infer.p99: {unit: x, required: true}\nreasons:\n" BLIND
		       "  lost: {class: sensor, when: camera.frame_age > 5, clear: {when: "
		       "camera.frame_age < 1.5}}\n"
		       "  slow: {class: latency, when: infer.p99 > 2, clear: {when: infer.p99 < "
		       "80%}}\n"));
	CHECK_I64(reason("lost")->when.terms[0].value, ==, 5000);
	CHECK_I64(reason("lost")->clear.terms[0].value, ==, 1500);
	CHECK_I64(reason("slow")->when.terms[0].value, ==, 2000);
	CHECK_I64(reason("slow")->clear.terms[0].value, ==, 800);
}

TEST(what_is_asked_whether_it_is_known_counts_as_bad_when_it_is_not)
{
	CHECK_OK(parse(ONE("class: sensor, when: camera.frame_age > 5s or "
			   "unknown(camera.frame_age), " CLEAR)));
	CHECK(reason("one")->when.unknown);
	CHECK_U64(reason("one")->when.term_count, ==, 1);
	CHECK_OK(parse(ONE("class: sensor, when: unknown(camera.frame_age), " CLEAR)));
	CHECK(reason("one")->when.unknown);
	CHECK_U64(reason("one")->when.term_count, ==, 1);
	CHECK(hf_term_is_never(&reason("one")->when.terms[0]));
	CHECK(!reason("blind")->when.unknown);
	CHECK_U64(reason("blind")->when.term_count, ==, 0);
	CHECK_U64(reason("blind")->scope, ==, HF_SCOPE_UNIT);
	CHECK_U64(reason("dark")->scope, ==, HF_SCOPE_CAMERA);
}

TEST(a_latched_reason_without_clear_is_clear_when_it_is_not_bad)
{
	CHECK_OK(parse(ONE("class: integrity, latch: operator, when: infer.golden_mismatch > 0 and "
			   "not model.invalid")));
	const struct hf_condition *clear = &reason("one")->clear;
	char text[HF_CONDITION_BYTES];

	hf_condition_text(clear, text);
	CHECK_TEXT(text, "infer.golden_mismatch <= 0 or model.invalid");
	CHECK(clear->any);
	CHECK_CODE(
		parse(ONE("class: integrity, latch: operator, when: infer.golden_mismatch == 3")),
		HF_E_INVALID);
	CHECK(strstr(messages(), "what is not this cannot be said by itself") != NULL);
}

TEST(an_action_judged_by_what_remembers_longer_is_warned_of)
{
	CHECK_OK(parse(ONE("class: accelerator, when: infer.out_of_memory > 2, clear: {when: "
			   "infer.out_of_memory == 0}, ladder: [fallback_model, safe_mode]")));
	CHECK(strstr(messages(),
		     "warning: reasons.one.ladder: infer.out_of_memory remembers for "
		     "10m, so fallback_model will be taken not to have helped") != NULL);
}

/* The policies that come with the build. */

static void check_installed(const char *name, enum hf_code (*look)(void))
{
	const char *folder = getenv("HOLDFAST_DIST");
	char path[512];

	(void)snprintf(path, sizeof path, "%s/%s", folder != NULL ? folder : "dist", name);
	if (hf_policy_load(path, &policy, &report, &err) != HF_OK)
		fail_msg("%s\n%s", err.text, messages());
	CHECK_TEXT(messages(), "");
	CHECK_OK(look());
}

static enum hf_code look_at_standard(void)
{
	size_t size_bytes;
	const char *text = hf_policy_standard(&size_bytes);
	static struct hf_policy built_in;
	bool used[HF_SIGNAL_COUNT] = { false };

	CHECK_OK(hf_policy_parse("built in", text, size_bytes, &built_in, &report, &err));
	CHECK(memcmp(&built_in, &policy, sizeof policy) == 0);
	for (unsigned r = 0; r < policy.reason_count; r++)
		for (unsigned i = 0; i < policy.reasons[r].when.term_count; i++)
			used[policy.reasons[r].when.terms[i].signal] = true;
	/* Recorded only. */
	used[HF_SIGNAL_CPU_PRESSURE] = true;
	for (unsigned i = 0; i < HF_SIGNAL_COUNT; i++)
		if (!used[i])
			fail_msg("%s is watched by no reason", hf_signal_name((enum hf_signal)i));
	for (unsigned i = 0; i < HF_ACTION_COUNT; i++)
		CHECK(policy.actions[i].listed);
	for (unsigned i = 0; i < HF_CLASS_COUNT; i++) {
		bool there = false;

		for (unsigned r = 0; r < policy.reason_count; r++)
			there = there || policy.reasons[r].class_of == i;
		CHECK(there);
	}
	return HF_OK;
}

TEST(the_default_policy_is_sound_uses_every_signal_and_is_the_one_that_is_built_in)
{
	check_installed("policy.yaml", look_at_standard);
}

static bool leads_to(const struct hf_policy_reason *one, enum hf_action action)
{
	for (unsigned i = 0; i < one->rung_count; i++)
		if (one->ladder[i] == action)
			return true;
	return false;
}

static enum hf_code look_at_promises(void)
{
	/* One camera is one camera. */
	CHECK_U64(reason("camera_lost")->rung_count, ==, 1);
	CHECK_U64(reason("camera_lost")->ladder[0], ==, HF_ACTION_HOLD_CAMERA);
	for (unsigned i = 0; i < policy.reason_count; i++) {
		const struct hf_policy_reason *one = &policy.reasons[i];

		if (one->scope == HF_SCOPE_CAMERA)
			CHECK(!leads_to(one, HF_ACTION_SAFE_MODE));
		/* Neither the network nor the hub's sender puts the unit out of service. */
		if (one->class_of == HF_CLASS_LINK)
			CHECK(one->records_only && one->rung_count == 0);
		if (strncmp(one->name, "uplink", 6) == 0)
			CHECK(!leads_to(one, HF_ACTION_SAFE_MODE) &&
			      !leads_to(one, HF_ACTION_REBOOT));
	}
	/* A crash is answered at once. */
	CHECK_I64(policy.actions[HF_ACTION_RESTART_WORKER].waits_ms[0], <=, 100);
	/* Severe latency: mitigated after 10 s, safe within 60 s. */
	const struct hf_policy_reason *severe = reason("latency_severe");
	int64_t safe_ms = severe->hold_ms;
	CHECK_I64(severe->hold_ms, <=, 10000);
	for (unsigned i = 0; severe->ladder[i] != HF_ACTION_SAFE_MODE; i++)
		safe_ms += policy.actions[severe->ladder[i]].settle_ms +
			   policy.actions[severe->ladder[i]].verify_ms;
	CHECK_I64(safe_ms, <=, 60000);
	/* Wrong results switch decisions off at once, until a person has looked. */
	CHECK(reason("results_wrong")->holds);
	CHECK_I64(reason("results_wrong")->hold_ms, ==, 0);
	CHECK_U64(reason("results_wrong")->latch, ==, HF_LATCH_OPERATOR);
	CHECK(leads_to(reason("state_lost"), HF_ACTION_SAFE_MODE));
	CHECK(reason("starting")->recovering);
	return HF_OK;
}

TEST(the_default_policy_keeps_what_is_promised)
{
	check_installed("policy.yaml", look_at_promises);
}

static enum hf_code look_at_seed(void)
{
	CHECK_I64(reason("gpu_oom")->when.terms[0].value, ==, 2);
	CHECK_U64(reason("gpu_oom")->ladder[0], ==, HF_ACTION_FALLBACK_MODEL);
	CHECK_I64(reason("camera_timeout")->when.terms[0].value, ==, 5000);
	CHECK_U64(reason("camera_timeout")->ladder[0], ==, HF_ACTION_RESTART_WORKER);
	CHECK_I64(reason("inference_slow")->when.terms[0].value, ==, 2000);
	CHECK(leads_to(reason("inference_slow"), HF_ACTION_SAFE_MODE));
	CHECK_I64(reason("crash_loop")->when.terms[0].value, ==, 3);
	CHECK_U64(reason("crash_loop")->ladder[0], ==, HF_ACTION_ROLLBACK);
	return HF_OK;
}

TEST(the_plain_policy_is_sound_and_has_its_thresholds)
{
	check_installed("policy.seed.yaml", look_at_seed);
}

TESTS(RUN(a_reason_arrives_as_it_was_written),
      RUN(actions_flap_and_safe_mode_arrive_as_they_were_written),
      RUN(each_mistake_of_a_reason_is_refused_where_it_stands),
      RUN(each_mistake_elsewhere_is_refused_where_it_stands),
      RUN(every_mistake_is_told_in_one_run_in_the_order_of_the_file),
      RUN(more_reasons_than_fit_are_refused), RUN(a_ladder_longer_than_fits_is_refused),
      RUN(a_file_that_is_too_large_is_refused_before_it_is_read),
      RUN(plain_numbers_are_in_the_unit_that_the_file_declares),
      RUN(what_is_asked_whether_it_is_known_counts_as_bad_when_it_is_not),
      RUN(a_latched_reason_without_clear_is_clear_when_it_is_not_bad),
      RUN(an_action_judged_by_what_remembers_longer_is_warned_of),
      RUN(the_default_policy_is_sound_uses_every_signal_and_is_the_one_that_is_built_in),
      RUN(the_default_policy_keeps_what_is_promised),
      RUN(the_plain_policy_is_sound_and_has_its_thresholds))
