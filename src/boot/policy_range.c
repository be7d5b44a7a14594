/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: signals do not depend on one another, so a condition is a union of boxes: one a term when
 * they are joined by "or", one of all terms when by "and". Two conditions meet when a box of one
 * and a box of the other share a value of every signal.
 */
#include "boot/policy_inner.h"
#include "shape/policy_text.h"

#include <string.h>

struct range {
	int64_t low, high; /* low > high: empty */
};

/* What a signal can say at all. */
static struct range all_of(enum hf_signal signal)
{
	/* A clock is stepped back, too, and frames come early. */
	if (signal == HF_SIGNAL_CLOCK_STEP || signal == HF_SIGNAL_CAMERA_SKEW)
		return (struct range){ INT64_MIN, INT64_MAX };
	switch (hf_signal_unit(signal)) {
	case HF_UNIT_FLAG:
		return (struct range){ 0, 1 };
	case HF_UNIT_CELSIUS:
		return (struct range){ -273, INT64_MAX };
	case HF_UNIT_MS:
	case HF_UNIT_COUNT:
	case HF_UNIT_PERMILLE:
		break;
	}
	return (struct range){ 0, INT64_MAX };
}

static void cut(struct range *range, const struct hf_term *term)
{
	struct range allowed = { INT64_MIN, INT64_MAX };
	const struct range none = { 1, 0 };

	switch ((enum hf_compare)term->compare) {
	case HF_COMPARE_ABOVE:
		allowed.low = term->value + (term->value < INT64_MAX);
		allowed = term->value == INT64_MAX ? none : allowed;
		break;
	case HF_COMPARE_AT_LEAST:
		allowed.low = term->value;
		break;
	case HF_COMPARE_BELOW:
		allowed.high = term->value - (term->value > INT64_MIN);
		allowed = term->value == INT64_MIN ? none : allowed;
		break;
	case HF_COMPARE_AT_MOST:
		allowed.high = term->value;
		break;
	case HF_COMPARE_EQUAL:
		allowed.low = allowed.high = term->value;
		break;
	}
	range->low = range->low > allowed.low ? range->low : allowed.low;
	range->high = range->high < allowed.high ? range->high : allowed.high;
}

struct box {
	const struct hf_term *terms;
	unsigned count;
};

static unsigned boxes_of(const struct hf_condition *condition,
			 struct box boxes[HF_POLICY_TERMS_MAX])
{
	if (!condition->any) {
		boxes[0] = (struct box){ condition->terms, condition->term_count };
		return condition->term_count > 0 ? 1 : 0;
	}
	for (unsigned i = 0; i < condition->term_count; i++)
		boxes[i] = (struct box){ &condition->terms[i], 1 };
	return condition->term_count;
}

/* What both leave of a signal. */
static struct range shared(const struct box *one, const struct box *other, unsigned signal)
{
	struct range range = all_of((enum hf_signal)signal);

	for (unsigned i = 0; i < one->count; i++)
		if (one->terms[i].signal == signal)
			cut(&range, &one->terms[i]);
	for (unsigned i = 0; i < other->count; i++)
		if (other->terms[i].signal == signal)
			cut(&range, &other->terms[i]);
	return range;
}

static bool box_is_met(const struct box *one, const struct box *other)
{
	for (unsigned signal = 0; signal < HF_SIGNAL_COUNT; signal++) {
		struct range range = shared(one, other, signal);

		if (range.low > range.high)
			return false;
	}
	return true;
}

static void set_example(const struct box *one, const struct box *other,
			char ret_example[HF_POLICY_SHOWN_BYTES])
{
	char value[HF_VALUE_BYTES];

	ret_example[0] = '\0';
	for (unsigned i = 0; i < one->count; i++) {
		enum hf_signal signal = (enum hf_signal)one->terms[i].signal;
		struct range range = shared(one, other, signal);

		hf_signal_value_text(signal,
				     range.low > INT64_MIN    ? range.low
				     : range.high < INT64_MAX ? range.high
							      : 0,
				     value);
		(void)snprintf(ret_example, HF_POLICY_SHOWN_BYTES, "%s at %s",
			       hf_signal_name(signal), value);
		return;
	}
}

bool hf_condition_can_hold(const struct hf_condition *condition)
{
	struct box boxes[HF_POLICY_TERMS_MAX];
	const struct box nothing = { NULL, 0 };
	unsigned count = boxes_of(condition, boxes);

	for (unsigned i = 0; i < count; i++)
		if (box_is_met(&boxes[i], &nothing))
			return true;
	return condition->unknown && count > 0;
}

static bool is_about(const struct box *box, unsigned signal)
{
	for (unsigned i = 0; i < box->count; i++)
		if (box->terms[i].signal == signal)
			return true;
	return false;
}

/* Bad because a signal is not known, and clear by one that is. */
static bool meets_unknown(const struct hf_condition *unknown, const struct box *box,
			  char ret_example[HF_POLICY_SHOWN_BYTES])
{
	const struct box nothing = { NULL, 0 };

	for (unsigned i = 0; i < unknown->term_count; i++) {
		unsigned signal = unknown->terms[i].signal;

		if (is_about(box, signal) || !box_is_met(box, &nothing))
			continue;
		(void)snprintf(ret_example, HF_POLICY_SHOWN_BYTES, "%s unknown",
			       hf_signal_name((enum hf_signal)signal));
		return true;
	}
	return false;
}

bool hf_conditions_meet(const struct hf_condition *one, const struct hf_condition *other,
			char ret_example[HF_POLICY_SHOWN_BYTES])
{
	struct box ones[HF_POLICY_TERMS_MAX], others[HF_POLICY_TERMS_MAX];
	unsigned one_count = boxes_of(one, ones), other_count = boxes_of(other, others);

	for (unsigned k = 0; k < other_count; k++) {
		for (unsigned i = 0; i < one_count; i++) {
			if (!box_is_met(&ones[i], &others[k]))
				continue;
			set_example(&ones[i], &others[k], ret_example);
			return true;
		}
		if (one->unknown && meets_unknown(one, &others[k], ret_example))
			return true;
	}
	return false;
}

static bool negate(const struct hf_term *term, struct hf_term *ret_negated)
{
	static const enum hf_compare opposite[] = {
		[HF_COMPARE_ABOVE] = HF_COMPARE_AT_MOST,  [HF_COMPARE_AT_LEAST] = HF_COMPARE_BELOW,
		[HF_COMPARE_BELOW] = HF_COMPARE_AT_LEAST, [HF_COMPARE_AT_MOST] = HF_COMPARE_ABOVE,
		[HF_COMPARE_EQUAL] = HF_COMPARE_EQUAL,
	};

	*ret_negated = *term;
	ret_negated->compare = (uint16_t)opposite[term->compare];
	if (term->compare == HF_COMPARE_EQUAL) {
		ret_negated->value = term->value == 0;
		return hf_signal_unit((enum hf_signal)term->signal) == HF_UNIT_FLAG;
	}
	return true;
}

bool hf_condition_negate(const struct hf_condition *condition, struct hf_condition *ret_negated)
{
	memset(ret_negated, 0, sizeof *ret_negated);
	ret_negated->term_count = condition->term_count;
	ret_negated->any = !condition->any && condition->term_count > 1;
	for (unsigned i = 0; i < condition->term_count; i++)
		if (!negate(&condition->terms[i], &ret_negated->terms[i]))
			return false;
	return true;
}
