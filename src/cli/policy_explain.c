/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/policy_inner.h"

#include "shape/policy_text.h"
#include "wire/proto.h"

#include <string.h>

void hf_policy_append(char text[HF_POLICY_WORDS_BYTES], const char *between, const char *word)
{
	size_t length = strlen(text);

	(void)snprintf(text + length, HF_POLICY_WORDS_BYTES - length, "%s%s",
		       length > 0 ? between : "", word);
}

bool hf_policy_is_blind(const struct hf_policy_reason *reason)
{
	return reason->when.term_count == 0;
}

void hf_policy_budget_words(const struct hf_policy_action *action,
			    char ret_text[HF_POLICY_WORDS_BYTES])
{
	char window[HF_DURATION_BYTES], one[HF_DURATION_BYTES + 16];

	ret_text[0] = '\0';
	for (unsigned i = 0; i < HF_POLICY_BUDGETS_MAX; i++) {
		if (action->budgets[i].count == 0)
			continue;
		hf_duration_text(action->budgets[i].window_ms, window);
		(void)snprintf(one, sizeof one, "%u in %s", action->budgets[i].count, window);
		hf_policy_append(ret_text, " and ", one);
	}
}

void hf_policy_wait_words(const struct hf_policy_action *action,
			  char ret_text[HF_POLICY_WORDS_BYTES])
{
	char one[HF_DURATION_BYTES];
	unsigned count = 0;

	while (count < HF_POLICY_WAITS_MAX && action->waits_ms[count] > 0)
		count++;
	ret_text[0] = '\0';
	for (unsigned i = 0; i < count; i++) {
		hf_duration_text(action->waits_ms[i], one);
		hf_policy_append(ret_text, i + 1 == count ? " and " : ", ", one);
	}
}

void hf_policy_about_words(const struct hf_policy_reason *reason,
			   char ret_text[HF_POLICY_WORDS_BYTES])
{
	ret_text[0] = '\0';
	for (unsigned role = HF_ROLE_INGEST; role < HF_ROLE_COUNT; role++)
		if ((reason->workers & UINT32_C(1) << role) != 0)
			hf_policy_append(ret_text, ", ", hf_role_name((enum hf_role)role));
	if (ret_text[0] == '\0')
		hf_policy_append(ret_text, "", hf_scope_name((enum hf_scope)reason->scope));
}

void hf_policy_when_words(const struct hf_policy *policy, const struct hf_policy_reason *reason,
			  char ret_text[HF_POLICY_WORDS_BYTES])
{
	char text[HF_CONDITION_BYTES];

	ret_text[0] = '\0';
	if (!hf_policy_is_blind(reason)) {
		hf_condition_text(&reason->when, text);
		hf_policy_append(ret_text, "", text);
		return;
	}
	for (unsigned i = 0; i < HF_SIGNAL_COUNT; i++) {
		enum hf_signal signal = (enum hf_signal)i;
		char stale[HF_DURATION_BYTES];

		if (!policy->signals[i].required ||
		    hf_signal_scope(signal) != (enum hf_scope)reason->scope)
			continue;
		hf_duration_text(policy->signals[i].stale_ms, stale);
		(void)snprintf(text, sizeof text, "%s unknown for %s", hf_signal_name(signal),
			       stale);
		hf_policy_append(ret_text, " or ", text);
	}
}

void hf_policy_clear_words(const struct hf_policy_reason *reason,
			   char ret_text[HF_POLICY_WORDS_BYTES])
{
	char text[HF_CONDITION_BYTES];

	ret_text[0] = '\0';
	hf_condition_text(&reason->clear, text);
	hf_policy_append(ret_text, "", hf_policy_is_blind(reason) ? "all of them are known" : text);
}

/* explain */

static void say_signals(const struct hf_policy_reason *reason, FILE *stream)
{
	bool said[HF_SIGNAL_COUNT] = { false };

	for (unsigned i = 0; i < reason->when.term_count; i++) {
		enum hf_signal signal = (enum hf_signal)reason->when.terms[i].signal;

		if (!said[signal])
			(void)fprintf(stream, "  %s: %s\n", hf_signal_name(signal),
				      hf_signal_help(signal));
		said[signal] = true;
	}
}

static void say_entry(const struct hf_policy *policy, const struct hf_policy_reason *reason,
		      FILE *stream)
{
	char about[HF_POLICY_WORDS_BYTES], when[HF_POLICY_WORDS_BYTES], hold[HF_DURATION_BYTES];

	hf_policy_about_words(reason, about);
	hf_policy_when_words(policy, reason, when);
	hf_duration_text(reason->hold_ms, hold);
	if (reason->scope == HF_SCOPE_UNIT)
		(void)fputs("It is about the unit as a whole.", stream);
	else if (reason->workers != 0)
		(void)fprintf(stream, "It is about one worker (%s); others do not suffer from it.",
			      about);
	else
		(void)fprintf(stream, "It is about one %s; others do not suffer from it.", about);
	(void)fprintf(stream, " It is bad while %s.\n", when);
	say_signals(reason, stream);
	if (reason->hold_ms == 0)
		(void)fputs("It becomes active at once.\n", stream);
	else
		(void)fprintf(stream,
			      "It becomes active when that has held for %s. While it does not, the "
			      "time runs back at %u %% of the speed: what comes and goes still "
			      "counts.\n",
			      hold, reason->refill_permille / 10);
}

static void say_state(const struct hf_policy_reason *reason, FILE *stream)
{
	const char *scope = hf_scope_name((enum hf_scope)reason->scope);

	if (reason->records_only) {
		(void)fputs("It is recorded and shown, and changes nothing.\n", stream);
		return;
	}
	(void)fprintf(stream, "While it is active the unit is %s%s%s%s.\n",
		      reason->recovering ? "recovering" : "degraded or worse",
		      reason->holds ? ", and nothing is decided from what the " : "",
		      reason->holds ? scope : "", reason->holds ? " says" : "");
}

static void say_once(const struct hf_policy_action *action, FILE *stream)
{
	char words[HF_POLICY_WORDS_BYTES], settle[HF_DURATION_BYTES], verify[HF_DURATION_BYTES];

	hf_policy_budget_words(action, words);
	if (words[0] != '\0')
		(void)fprintf(stream, "     At most %s.", words);
	else
		(void)fputs("    ", stream);
	hf_policy_wait_words(action, words);
	if (words[0] != '\0')
		(void)fprintf(stream, " Tries after %s; then the next.", words);
	if (action->uptime_ms > 0) {
		hf_duration_text(action->uptime_ms, settle);
		(void)fprintf(stream, " Not sooner than %s after the boot.", settle);
	}
	hf_duration_text(action->settle_ms, settle);
	hf_duration_text(action->verify_ms, verify);
	if (action->settle_ms > 0)
		(void)fprintf(stream, " It has %s to take effect, and has helped if it is then",
			      settle);
	else
		(void)fputs(" It has helped if it is", stream);
	(void)fprintf(stream, " not bad for %s.\n", verify);
	if (action->destroys != 0)
		(void)fputs("     The evidence is frozen before.\n", stream);
}

static void say_mode(enum hf_action kind, const struct hf_policy_action *action, FILE *stream)
{
	char settle[HF_DURATION_BYTES], hold[HF_DURATION_BYTES];

	if (kind == HF_ACTION_SAFE_MODE) {
		(void)fputs("     It stays until it is left as said below.\n", stream);
		return;
	}
	hf_duration_text(action->hold_ms, hold);
	(void)fprintf(stream, "     It stays while the reason does%s%s.",
		      action->hold_ms > 0 ? ", at least " : "", action->hold_ms > 0 ? hold : "");
	hf_duration_text(action->settle_ms, settle);
	if (action->verify_ms > 0)
		(void)fprintf(stream, " Still bad after %s: the next is taken as well.", settle);
	(void)fputc('\n', stream);
}

static void say_rung(const struct hf_policy *policy, const struct hf_policy_reason *reason,
		     unsigned rung, FILE *stream)
{
	enum hf_action kind = (enum hf_action)reason->ladder[rung];
	const struct hf_policy_action *action = &policy->actions[kind];

	(void)fprintf(stream, "  %u. %s (impact %u): %s.\n", rung + 1, hf_action_name(kind),
		      action->impact, hf_action_help(kind));
	if (action->unavailable)
		(void)fprintf(stream, "     Not available, passed over: %s.\n", action->why);
	else if (hf_action_kind(kind) == HF_ACTION_MODE)
		say_mode(kind, action, stream);
	else
		say_once(action, stream);
}

static void say_exit(const struct hf_policy_reason *reason, FILE *stream)
{
	char clear[HF_POLICY_WORDS_BYTES], hold[HF_DURATION_BYTES];

	hf_policy_clear_words(reason, clear);
	hf_duration_text(reason->clear_hold_ms, hold);
	(void)fprintf(stream, "It is over when %s", clear);
	if (reason->clear_hold_ms > 0)
		(void)fprintf(stream, " has held for %s", hold);
	switch ((enum hf_latch)reason->latch) {
	case HF_LATCH_AUTO:
		(void)fputs(".\n", stream);
		break;
	case HF_LATCH_OPERATOR:
		(void)fputs(", and an operator has said so (holdfast ack).\n", stream);
		break;
	case HF_LATCH_REBOOT:
		(void)fputs(", and the machine has been started again.\n", stream);
		break;
	case HF_LATCH_RELEASE:
		(void)fputs(", and another release runs.\n", stream);
		break;
	}
}

static void say_safe_exit(const struct hf_policy *policy, const struct hf_policy_reason *reason,
			  FILE *stream)
{
	char healthy[HF_DURATION_BYTES], window[HF_DURATION_BYTES];
	bool leads = false;

	for (unsigned i = 0; i < reason->rung_count; i++)
		leads = leads || reason->ladder[i] == HF_ACTION_SAFE_MODE;
	if (!leads)
		return;
	if ((policy->safe_exit_classes & UINT32_C(1) << reason->class_of) == 0) {
		(void)fputs("Safe mode, once entered for it, is left by an operator only (holdfast "
			    "safe clear).\n",
			    stream);
		return;
	}
	hf_duration_text(policy->safe_exit_healthy_ms, healthy);
	hf_duration_text(policy->safe_exit_budget.window_ms, window);
	(void)fprintf(stream,
		      "Safe mode, once entered for it, is left by an operator, or by itself after "
		      "%s without a reason, at most %u in %s.\n",
		      healthy, policy->safe_exit_budget.count, window);
}

void hf_policy_explain(const struct hf_policy *policy, const struct hf_policy_reason *reason,
		       FILE *stream)
{
	enum hf_class class_of = (enum hf_class)reason->class_of;

	(void)fprintf(stream, "%s, of class %s: %s.\n\n", reason->name, hf_class_name(class_of),
		      hf_class_help(class_of));
	say_entry(policy, reason, stream);
	say_state(reason, stream);
	if (reason->rung_count > 0)
		(void)fputs(
			"\nWhat is done about it, the mildest first; the next one when that has "
			"not helped or has no budget left:\n",
			stream);
	else if (!reason->records_only)
		(void)fputs("Nothing is done about it.\n", stream);
	for (unsigned i = 0; i < reason->rung_count; i++)
		say_rung(policy, reason, i, stream);
	(void)fputc('\n', stream);
	say_exit(reason, stream);
	say_safe_exit(policy, reason, stream);
	if (policy->shadow)
		(void)fputs("This policy is in shadow mode: all that is told, and not done.\n",
			    stream);
}
