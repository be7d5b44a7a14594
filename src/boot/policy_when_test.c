/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/policy_inner.h"

#include "base/auto.h"
#include "shape/policy_text.h"
#include "test.h"

#include <string.h>

static struct hf_err err;

static struct hf_condition condition(const char *text)
{
	struct hf_policy_units units;
	struct hf_policy_when when;

	hf_policy_units_standard(&units);
	CHECK_OK(hf_policy_when_parse(&units, text, &when, &err));
	return when.condition;
}

TEST(what_was_read_is_written_so_that_it_reads_the_same)
{
	static const char *const texts[] = {
		"camera.frame_age > 5s",
		"camera.frame_age >= 1500ms and camera.drop_ratio < 10%",
		"infer.p99 > 200% or infer.p99 < 0.5%",
		"unit.temperature > 85C",
		"outbox.full",
		"not outbox.full and disk.free <= 5%",
		"unknown(infer.p99)",
		"infer.p99 > 100% or unknown(infer.p99)",
		"clock.step < -500ms",
		"unit.unclean_starts == 3",
		"link.outbox_age > 24h",
	};

	for (size_t i = 0; i < HF_ARRAY_LEN(texts); i++) {
		struct hf_condition first = condition(texts[i]);
		char text[HF_CONDITION_BYTES];

		hf_condition_text(&first, text);
		CHECK_TEXT(text, texts[i]);
	}
	struct hf_condition ratio = condition("infer.p99 > 2x");
	CHECK_I64(ratio.terms[0].value, ==, 2000);
}

static bool meet(const char *one, const char *other)
{
	struct hf_condition left = condition(one), right = condition(other);
	char example[HF_POLICY_SHOWN_BYTES], again[HF_POLICY_SHOWN_BYTES];
	bool met = hf_conditions_meet(&left, &right, example);

	if (!left.unknown && !right.unknown)
		CHECK(hf_conditions_meet(&right, &left, again) == met);
	return met;
}

TEST(conditions_meet_where_a_value_of_each_signal_makes_both_hold)
{
	CHECK(!meet("camera.frame_age > 5s", "camera.frame_age < 1s"));
	CHECK(!meet("camera.frame_age > 5s", "camera.frame_age <= 5s"));
	CHECK(meet("camera.frame_age >= 5s", "camera.frame_age <= 5s"));
	CHECK(!meet("unit.unclean_starts > 2", "unit.unclean_starts < 3"));
	CHECK(meet("unit.unclean_starts > 2", "unit.unclean_starts < 4"));
	CHECK(!meet("outbox.full", "not outbox.full"));
	CHECK(meet("outbox.full", "disk.free > 5%"));
	/* and: one that does not is enough; or: each has to be off */
	CHECK(!meet("disk.free < 5% and outbox.full", "not outbox.full"));
	CHECK(meet("disk.free < 5% or outbox.full", "not outbox.full"));
	CHECK(!meet("disk.free < 5% or outbox.full", "not outbox.full and disk.free > 10%"));
	CHECK(meet("disk.free < 5% or outbox.full", "not outbox.full or disk.free > 10%"));
	/* not known, and clear by another */
	CHECK(!meet("unknown(disk.free)", "disk.free > 10%"));
	CHECK(meet("unknown(disk.free)", "not outbox.full"));
}

static bool can_hold(const char *text)
{
	struct hf_condition one = condition(text);

	return hf_condition_can_hold(&one);
}

TEST(what_no_value_can_meet_is_seen)
{
	CHECK(can_hold("camera.frame_age > 5s and camera.frame_age < 6s"));
	CHECK(!can_hold("camera.frame_age > 5s and camera.frame_age < 5001ms"));
	CHECK(!can_hold("camera.frame_age < 0s"));
	CHECK(can_hold("camera.frame_age <= 0s"));
	CHECK(can_hold("camera.frame_age < 0s or disk.free < 1%"));
	CHECK(!can_hold("outbox.full and not outbox.full"));
	CHECK(can_hold("clock.step < -1s"));
	CHECK(can_hold("unit.temperature < -10C"));
	CHECK(!can_hold("unit.temperature < -273C"));
	CHECK(can_hold("unknown(disk.free)"));
}

TEST(a_negated_condition_never_meets_the_one_it_was_made_of)
{
	static const char *const texts[] = {
		"camera.frame_age > 5s",
		"camera.frame_age >= 5s and camera.drop_ratio < 10%",
		"outbox.full or disk.free <= 5%",
		"not outbox.full",
	};

	for (size_t i = 0; i < HF_ARRAY_LEN(texts); i++) {
		struct hf_condition one = condition(texts[i]), negated;
		char example[HF_POLICY_SHOWN_BYTES];

		CHECK(hf_condition_negate(&one, &negated));
		CHECK(hf_condition_can_hold(&negated));
		CHECK(!hf_conditions_meet(&one, &negated, example));
	}
}

/* Every text that is cut off somewhere is read to its end and no further. */
TEST(no_cut_of_a_condition_is_read_beyond_its_end)
{
	static const char whole[] =
		"not outbox.full or camera.frame_age >= 12.5s or "
		"unknown(camera.frame_age) or infer.p99 < 10% or unknown(infer.p99)";
	struct hf_policy_units units;
	struct hf_policy_when when;

	hf_policy_units_standard(&units);
	for (size_t length = 0; length < strlen(whole); length++) {
		char *text = strndup(whole, length);

		assert_non_null(text);
		if (hf_policy_when_parse(&units, text, &when, &err) != HF_OK)
			CHECK_U64(when.at, <=, length);
		free(text);
	}
}

TESTS(RUN(what_was_read_is_written_so_that_it_reads_the_same),
      RUN(conditions_meet_where_a_value_of_each_signal_makes_both_hold),
      RUN(what_no_value_can_meet_is_seen),
      RUN(a_negated_condition_never_meets_the_one_it_was_made_of),
      RUN(no_cut_of_a_condition_is_read_beyond_its_end))
