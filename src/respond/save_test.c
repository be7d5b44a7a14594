/* SPDX-License-Identifier: Apache-2.0 */
#include "respond/save.h"

#include "base/crc32c.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>

enum {
	ROOM = 128 * 1024,
};

static uint8_t data[ROOM];

struct unit {
	struct hf_config config;
	struct hf_stays stays;
	struct hf_rules rules;
	struct hf_offers offers;
	struct hf_save_parts parts;
};

static struct unit *unit_new(uint64_t boot, uint64_t run)
{
	struct unit *unit = calloc(1, sizeof *unit);

	assert_non_null(unit);
	hf_config_defaults(&unit->config);
	unit->config.source_count = 1;
	unit->config.camera_count = 2;
	unit->config.zone_count = 2;
	for (uint32_t i = 0; i < 2; i++) {
		(void)snprintf(unit->config.cameras[i].id, HF_ID_BYTES, "camera%u", i);
		(void)snprintf(unit->config.zones[i].id, HF_ID_BYTES, "door");
		unit->config.zones[i].camera = i;
		unit->config.zones[i].cooldown_ms = 60000;
		unit->config.zones[i].loitering_count = 2;
		unit->config.zones[i].loitering[0] = (struct hf_config_dwell){ "person", 15000 };
		unit->config.zones[i].loitering[1] = (struct hf_config_dwell){ "vehicle", 600000 };
	}
	hf_stays_reset(&unit->stays, boot, run, 1);
	hf_offers_reset(&unit->offers);
	unit->parts = (struct hf_save_parts){ .boot = boot,
					      .run = run,
					      .origin_next = 1,
					      .stays = &unit->stays,
					      .rules = &unit->rules,
					      .offers = &unit->offers };
	return unit;
}

static struct hf_mono at(int64_t ms)
{
	return (struct hf_mono){ ms * 1000 };
}

static void add_stay(struct unit *unit, size_t place, enum hf_stay_phase phase, uint32_t zone)
{
	unit->stays.list[place] = (struct hf_stay){ .phase = phase,
						    .zone = zone,
						    .track = 12,
						    .id = { 7, 2, unit->stays.next_n++ },
						    .class_name = "person",
						    .looks = 7,
						    .fired = 1,
						    .dwell_us = 4500000,
						    .blind_us = 250000,
						    .seen_mark_us = 99,
						    .box = { 0.5, 0.25, 0.05, 0.2 },
						    .colours = { .known = true } };
	memset(unit->stays.list[place].colours.bins, 1 + (int)place % 100, HF_COLOURS_BINS);
}

static void add_offer(struct unit *unit, const char *attrs)
{
	struct hf_err err = { 0 };
	struct hf_offer offer;
	const struct hf_event event = { .event_class = "pre_action_zone_entry",
					.captured_wall = { 1 },
					.camera_name = "Porte d'entrée",
					.attrs = attrs };
	const struct hf_event_context context = { .boot_id = "b", .release = "r" };
	const struct hf_origin origin = { .boot = unit->parts.boot,
					  .run = unit->parts.run,
					  .n = unit->parts.origin_next++,
					  .producer = 'r' };

	CHECK_OK(hf_offer_make(&event, &context, &origin, &offer, &err));
	CHECK_OK(hf_offers_put(&unit->offers, &offer, at(5000), &err));
}

static size_t encode(struct unit *unit, int64_t now_ms, size_t room, size_t *ret_offers)
{
	struct hf_err err = { 0 };
	size_t size_bytes = 0;
	uint32_t digest;

	CHECK_OK(hf_save_encode(&unit->parts, &unit->config, at(now_ms), data, room, &size_bytes,
				ret_offers, &digest, &err));
	return size_bytes;
}

static struct unit *full_unit(void)
{
	struct unit *unit = unit_new(7, 2);

	add_stay(unit, 0, HF_STAY_INSIDE, 0);
	add_stay(unit, 9, HF_STAY_OUTSIDE, 1);
	add_stay(unit, 10, HF_STAY_COMING, 1);
	unit->rules.cooldowns[HF_RULE_ZONE_ENTRY][1][0] =
		(struct hf_cooldown){ .until = at(45000), .held = 3 };
	unit->rules.cooldowns[HF_RULE_LOITERING][1][1] =
		(struct hf_cooldown){ .until = at(50000), .held = 7 };
	add_offer(unit, "{\"a\":1}");
	add_offer(unit, NULL);
	unit->offers.suppressed = 4;
	return unit;
}

TEST(what_is_restored_is_what_was_saved)
{
	struct unit *old = full_unit(), *young = unit_new(7, 2);
	struct hf_err err = { 0 };
	size_t offers;
	uint32_t forgotten;
	size_t size_bytes = encode(old, 10000, ROOM, &offers);

	CHECK_U64(offers, ==, 2);
	CHECK_OK(hf_save_decode(data, size_bytes, &young->config, at(12000), &young->parts,
				&forgotten, &err));
	CHECK_U64(forgotten, ==, 0);
	CHECK_U64(young->parts.origin_next, ==, 3);
	CHECK_U64(young->stays.next_n, ==, 4);
	CHECK_U64(young->offers.suppressed, ==, 4);
	/* A stay that was only coming is not kept. */
	CHECK_U64(hf_stays_open(&young->stays), ==, 2);
	CHECK(young->stays.list[2].phase == HF_STAY_FREE);
	const struct hf_stay *stay = &young->stays.list[0];
	CHECK(stay->phase == HF_STAY_INSIDE);
	CHECK_U64(stay->track, ==, 0);
	CHECK_U64(stay->fired, ==, 1);
	CHECK_TEXT(stay->class_name, "person");
	CHECK_U64(stay->id.boot, ==, 7);
	CHECK_U64(stay->id.n, ==, 1);
	CHECK_I64(stay->dwell_us, ==, 4500000);
	CHECK_I64(stay->blind_us, ==, 2250000); /* two seconds without a respond */
	CHECK_REAL(stay->box.width, ==, 0.05);
	CHECK(memcmp(&stay->colours, &old->stays.list[0].colours, sizeof stay->colours) == 0);
	CHECK_U64(young->stays.list[1].zone, ==, 1);
	CHECK(young->stays.list[1].phase == HF_STAY_OUTSIDE);
	CHECK_I64(young->rules.cooldowns[HF_RULE_ZONE_ENTRY][1][0].until.us, ==, 45000000);
	CHECK_U64(young->rules.cooldowns[HF_RULE_ZONE_ENTRY][1][0].held, ==, 3);
	CHECK_U64(young->offers.count, ==, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct hf_pending *a = hf_offers_at(&old->offers, i);
		const struct hf_pending *b = hf_offers_at(&young->offers, i);

		CHECK_TEXT(b->offer.origin, a->offer.origin);
		CHECK_TEXT(b->offer.head, a->offer.head);
		CHECK_TEXT(b->offer.tail, a->offer.tail);
		CHECK_U64(b->offer.head_bytes, ==, a->offer.head_bytes);
		CHECK_U64(b->offer.tail_bytes, ==, a->offer.tail_bytes);
		CHECK_I64(b->captured.us, ==, 5000000);
	}
	free(old);
	free(young);
}

TEST(another_run_takes_over_stays_and_offers_but_counts_anew)
{
	struct unit *old = full_unit(), *young = unit_new(7, 3);
	struct hf_err err = { 0 };
	size_t offers;
	uint32_t forgotten;
	size_t size_bytes = encode(old, 10000, ROOM, &offers);

	CHECK_OK(hf_save_decode(data, size_bytes, &young->config, at(12000), &young->parts,
				&forgotten, &err));
	CHECK_U64(young->parts.origin_next, ==, 1);
	CHECK_U64(young->stays.next_n, ==, 1);
	CHECK_U64(young->stays.list[0].id.run, ==, 2);
	CHECK_TEXT(hf_offers_at(&young->offers, 0)->offer.origin, "7.r.2.1");
	free(old);
	free(young);
}

TEST(another_boot_has_another_clock)
{
	struct unit *old = full_unit(), *young = unit_new(8, 1);
	struct hf_err err = { 0 };
	size_t offers;
	uint32_t forgotten;
	size_t size_bytes = encode(old, 10000, ROOM, &offers);

	CHECK_OK(hf_save_decode(data, size_bytes, &young->config, at(500), &young->parts,
				&forgotten, &err));
	/* 35 seconds of the cool-down were left. */
	CHECK_I64(young->rules.cooldowns[HF_RULE_ZONE_ENTRY][1][0].until.us, ==, 35500000);
	CHECK_I64(young->stays.list[0].blind_us, ==, 250000);
	CHECK_I64(hf_offers_at(&young->offers, 0)->captured.us, ==, 0);
	free(old);
	free(young);
}

TEST(a_zone_that_is_gone_is_forgotten_and_one_that_moved_is_found)
{
	struct unit *old = full_unit(), *young = unit_new(7, 2);
	struct hf_err err = { 0 };
	size_t offers;
	uint32_t forgotten;
	size_t size_bytes = encode(old, 10000, ROOM, &offers);

	young->config.zone_count = 1;
	young->config.zones[0].camera = 1; /* what was zone 1 is zone 0 now */
	CHECK_OK(hf_save_decode(data, size_bytes, &young->config, at(12000), &young->parts,
				&forgotten, &err));
	CHECK_U64(forgotten, ==, 1);
	CHECK_U64(hf_stays_open(&young->stays), ==, 1);
	CHECK_U64(young->stays.list[0].id.n, ==, 2);
	CHECK_U64(young->stays.list[0].zone, ==, 0);
	CHECK_U64(young->rules.cooldowns[HF_RULE_ZONE_ENTRY][0][0].held, ==, 3);
	free(old);
	free(young);
}

static void is_fresh(const struct unit *unit)
{
	CHECK_U64(hf_stays_open(&unit->stays), ==, 0);
	CHECK_U64(unit->offers.count, ==, 0);
	CHECK_U64(unit->offers.suppressed, ==, 0);
	CHECK_U64(unit->parts.origin_next, ==, 1);
	CHECK_U64(unit->stays.next_n, ==, 1);
	CHECK_I64(unit->rules.cooldowns[HF_RULE_ZONE_ENTRY][1][0].until.us, ==, 0);
}

TEST(a_cool_down_follows_its_class_to_where_its_threshold_stands_now)
{
	struct unit *old = full_unit(), *young = unit_new(7, 2);
	struct hf_err err = { 0 };
	size_t offers;
	uint32_t forgotten;
	size_t size_bytes = encode(old, 10000, ROOM, &offers);
	struct hf_config_zone *zone = &young->config.zones[1];

	zone->loitering[0] = zone->loitering[1];
	zone->loitering_count = 1;
	CHECK_OK(hf_save_decode(data, size_bytes, &young->config, at(12000), &young->parts,
				&forgotten, &err));
	CHECK_U64(young->rules.cooldowns[HF_RULE_LOITERING][1][0].held, ==, 7);
	CHECK_U64(forgotten, ==, 0);
	free(young);
	/* Nobody asks about vehicles any more. */
	young = unit_new(7, 2);
	young->config.zones[1].loitering_count = 1;
	CHECK_OK(hf_save_decode(data, size_bytes, &young->config, at(12000), &young->parts,
				&forgotten, &err));
	CHECK_U64(forgotten, ==, 1);
	free(old);
	free(young);
}

TEST(every_flipped_bit_and_every_cut_is_found_and_leaves_a_fresh_start)
{
	struct unit *old = full_unit(), *young = unit_new(7, 2);
	struct hf_err err = { 0 };
	size_t offers;
	uint32_t forgotten;
	size_t size_bytes = encode(old, 10000, ROOM, &offers);

	for (size_t i = 0; i < size_bytes; i++) {
		data[i] ^= (uint8_t)(1U << i % 8);
		CHECK_CODE(hf_save_decode(data, size_bytes, &young->config, at(12000),
					  &young->parts, &forgotten, &err),
			   HF_E_CORRUPT);
		data[i] ^= (uint8_t)(1U << i % 8);
		CHECK_CODE(hf_save_decode(data, i, &young->config, at(12000), &young->parts,
					  &forgotten, &err),
			   HF_E_CORRUPT);
	}
	is_fresh(young);
	free(old);
	free(young);
}

/* A writer with another idea of the contents: the CRC is right, the numbers are wild. */
TEST(bytes_that_verify_and_make_no_sense_never_do_harm)
{
	struct unit *old = full_unit();
	uint64_t dice = 99;
	size_t offers, taken = 0;
	size_t size_bytes = encode(old, 10000, ROOM, &offers);
	static uint8_t whole[ROOM];

	memcpy(whole, data, size_bytes);
	for (int round = 0; round < 4000; round++) {
		struct unit *young = unit_new(7, 2);
		struct hf_err err = { 0 };
		uint32_t forgotten, crc;

		memcpy(data, whole, size_bytes);
		for (int i = 0; i <= round % 3; i++) {
			dice = dice * 6364136223846793005U + 1442695040888963407U;
			data[16 + (dice >> 33) % (size_bytes - 16)] = (uint8_t)(dice >> 24);
		}
		crc = hf_crc32c(0, data + 16, size_bytes - 16);
		memcpy(data + 12, &crc, sizeof crc);
		enum hf_code code = hf_save_decode(data, size_bytes, &young->config, at(12000),
						   &young->parts, &forgotten, &err);
		if (code == HF_OK) {
			taken++;
			for (size_t i = 0; i < HF_STAYS_MAX; i++)
				CHECK_U64(young->stays.list[i].zone, <, 2);
			for (size_t i = 0; i < young->offers.count; i++)
				CHECK_OK(hf_offer_check(&hf_offers_at(&young->offers, i)->offer,
							&err));
		} else {
			CHECK_CODE(code, HF_E_CORRUPT);
			is_fresh(young);
		}
		free(young);
	}
	CHECK_U64(taken, >, 0);
	free(old);
}

TEST(when_not_all_fits_colours_go_first_and_then_the_youngest_offers)
{
	struct unit *old = full_unit(), *young = unit_new(7, 2);
	struct hf_err err = { 0 };
	size_t offers;
	uint32_t forgotten;

	size_t size_bytes = encode(old, 10000, ROOM, &offers);
	size_t tight = encode(old, 10000, size_bytes - 1, &offers);
	CHECK_U64(offers, ==, 2);
	CHECK_U64(tight, ==, size_bytes - (size_t)2 * HF_COLOURS_BINS);
	tight = encode(old, 10000, tight - 1, &offers);
	CHECK_U64(offers, ==, 1);
	CHECK_OK(hf_save_decode(data, tight, &young->config, at(12000), &young->parts, &forgotten,
				&err));
	CHECK_U64(young->offers.count, ==, 1);
	CHECK_TEXT(hf_offers_at(&young->offers, 0)->offer.origin, "7.r.2.1");
	CHECK(!young->stays.list[0].colours.known);
	free(old);
	free(young);
}

TEST(the_worst_case_fits_one_message)
{
	struct unit *unit = unit_new(7, 2);
	char attrs[HF_ATTRS_BYTES];
	size_t offers;

	memset(attrs, ' ', sizeof attrs);
	(void)snprintf(attrs, sizeof attrs, "{\"a\":\"%02900d\"}", 1);
	for (size_t i = 0; i < HF_STAYS_MAX; i++)
		add_stay(unit, i, HF_STAY_INSIDE, 0);
	for (size_t i = 0; i < HF_OFFERS_MAX; i++)
		add_offer(unit, attrs);
	CHECK_U64(encode(unit, 10000, ROOM, &offers), <=, ROOM);
	CHECK_U64(offers, >, 20);
	CHECK_U64(offers, <, HF_OFFERS_MAX);
	free(unit);
}

TEST(the_digest_changes_with_the_contents_and_not_with_the_time)
{
	struct unit *unit = full_unit();
	struct hf_err err = { 0 };
	size_t size_bytes, offers;
	uint32_t first, second, third;

	CHECK_OK(hf_save_encode(&unit->parts, &unit->config, at(1000), data, ROOM, &size_bytes,
				&offers, &first, &err));
	CHECK_OK(hf_save_encode(&unit->parts, &unit->config, at(2000), data, ROOM, &size_bytes,
				&offers, &second, &err));
	CHECK_U64(first, ==, second);
	unit->stays.list[0].dwell_us++;
	CHECK_OK(hf_save_encode(&unit->parts, &unit->config, at(2000), data, ROOM, &size_bytes,
				&offers, &third, &err));
	CHECK_U64(third, !=, second);
	free(unit);
}

TESTS(RUN(what_is_restored_is_what_was_saved),
      RUN(another_run_takes_over_stays_and_offers_but_counts_anew),
      RUN(another_boot_has_another_clock),
      RUN(a_zone_that_is_gone_is_forgotten_and_one_that_moved_is_found),
      RUN(a_cool_down_follows_its_class_to_where_its_threshold_stands_now),
      RUN(every_flipped_bit_and_every_cut_is_found_and_leaves_a_fresh_start),
      RUN(bytes_that_verify_and_make_no_sense_never_do_harm),
      RUN(when_not_all_fits_colours_go_first_and_then_the_youngest_offers),
      RUN(the_worst_case_fits_one_message),
      RUN(the_digest_changes_with_the_contents_and_not_with_the_time))
