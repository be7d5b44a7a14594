/* SPDX-License-Identifier: Apache-2.0 */
#include "shape/policy_text.h"

#include "base/auto.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void hf_duration_text(int64_t ms, char ret_text[HF_DURATION_BYTES])
{
	static const struct {
		const char *name;
		int64_t factor;
	} units[] = { { "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 } };

	/* "24h" and "48h" are what people say; "7d", too. */
	for (size_t i = ms <= 2 * units[0].factor; i < HF_ARRAY_LEN(units); i++)
		if (ms % units[i].factor == 0 && (ms != 0 || i + 1 == HF_ARRAY_LEN(units))) {
			(void)snprintf(ret_text, HF_DURATION_BYTES, "%" PRId64 "%s",
				       ms / units[i].factor, units[i].name);
			return;
		}
	(void)snprintf(ret_text, HF_DURATION_BYTES, "%" PRId64 "ms", ms);
}

static void permille_text(int64_t permille, char ret_text[HF_VALUE_BYTES])
{
	const char *sign = permille < 0 ? "-" : "";
	int64_t size = permille < 0 ? -permille : permille;

	if (size % 10 == 0)
		(void)snprintf(ret_text, HF_VALUE_BYTES, "%s%" PRId64 "%%", sign, size / 10);
	else
		(void)snprintf(ret_text, HF_VALUE_BYTES, "%s%" PRId64 ".%" PRId64 "%%", sign,
			       size / 10, size % 10);
}

void hf_signal_value_text(enum hf_signal signal, int64_t value, char ret_text[HF_VALUE_BYTES])
{
	_Static_assert(HF_VALUE_BYTES == (int)HF_DURATION_BYTES, "a duration is a value");
	switch (hf_signal_unit(signal)) {
	case HF_UNIT_MS:
		hf_duration_text(value, ret_text);
		return;
	case HF_UNIT_PERMILLE:
		permille_text(value, ret_text);
		return;
	case HF_UNIT_CELSIUS:
		(void)snprintf(ret_text, HF_VALUE_BYTES, "%" PRId64 "C", value);
		return;
	case HF_UNIT_COUNT:
	case HF_UNIT_FLAG:
		break;
	}
	(void)snprintf(ret_text, HF_VALUE_BYTES, "%" PRId64, value);
}

const char *hf_compare_sign(enum hf_compare compare)
{
	switch (compare) {
	case HF_COMPARE_ABOVE:
		return ">";
	case HF_COMPARE_AT_LEAST:
		return ">=";
	case HF_COMPARE_BELOW:
		return "<";
	case HF_COMPARE_AT_MOST:
		return "<=";
	case HF_COMPARE_EQUAL:
		return "==";
	}
	return "==";
}

struct hf_term hf_term_never(enum hf_signal signal)
{
	return (struct hf_term){ .signal = (uint16_t)signal,
				 .compare = HF_COMPARE_BELOW,
				 .value = INT64_MIN };
}

bool hf_term_is_never(const struct hf_term *term)
{
	return term->compare == HF_COMPARE_BELOW && term->value == INT64_MIN;
}

static void term_text(const struct hf_term *term, char *ret_text, size_t size_bytes)
{
	enum hf_signal signal = (enum hf_signal)term->signal;
	const char *name = hf_signal_name(signal);
	char value[HF_VALUE_BYTES];

	if (hf_signal_unit(signal) == HF_UNIT_FLAG && term->compare == HF_COMPARE_EQUAL) {
		(void)snprintf(ret_text, size_bytes, "%s%s", term->value == 0 ? "not " : "", name);
		return;
	}
	hf_signal_value_text(signal, term->value, value);
	(void)snprintf(ret_text, size_bytes, "%s %s %s", name,
		       hf_compare_sign((enum hf_compare)term->compare), value);
}

static void append(char ret_text[HF_CONDITION_BYTES], const char *between, const char *text)
{
	size_t length = strlen(ret_text);

	(void)snprintf(ret_text + length, HF_CONDITION_BYTES - length, "%s%s",
		       length > 0 ? between : "", text);
}

void hf_condition_text(const struct hf_condition *condition, char ret_text[HF_CONDITION_BYTES])
{
	const char *between = condition->any ? " or " : " and ";
	char text[96];

	ret_text[0] = '\0';
	for (unsigned i = 0; i < condition->term_count; i++) {
		if (hf_term_is_never(&condition->terms[i]))
			continue;
		term_text(&condition->terms[i], text, sizeof text);
		append(ret_text, between, text);
	}
	for (unsigned i = 0; condition->unknown && i < condition->term_count; i++) {
		bool said = false;

		for (unsigned k = 0; k < i; k++)
			said = said || condition->terms[k].signal == condition->terms[i].signal;
		if (said)
			continue;
		(void)snprintf(text, sizeof text, "unknown(%s)",
			       hf_signal_name((enum hf_signal)condition->terms[i].signal));
		append(ret_text, " or ", text);
	}
}
