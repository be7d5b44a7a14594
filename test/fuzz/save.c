/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state that the supervisor hands back to a respond that was started anew; it comes from one
 * that may have been taken over. The input is what follows the header, which is made right. What
 * is accepted can be saved again, and is accepted again.
 */
#include "fuzz.h"

#include "base/crc32c.h"
#include "respond/save.h"

enum {
	HEADER_BYTES = 16, /* magic, version, size, CRC */
	ROOM = 128 * 1024,
};

static struct hf_config config;
static struct hf_stays stays;
static struct hf_rules rules;
static struct hf_offers offers;
static uint8_t save[ROOM], again[ROOM];

static struct hf_save_parts fresh_parts(void)
{
	hf_stays_reset(&stays, 7, 2, 1);
	memset(&rules, 0, sizeof rules);
	hf_offers_reset(&offers);
	return (struct hf_save_parts){ .boot = 7,
				       .run = 2,
				       .origin_next = 1,
				       .stays = &stays,
				       .rules = &rules,
				       .offers = &offers };
}

static size_t encode(const struct hf_save_parts *parts, struct hf_mono now, uint8_t *ret_save)
{
	struct hf_err err = { 0 };
	size_t size = 0, held;
	uint32_t digest;

	FUZZ_MUST(hf_save_encode(parts, &config, now, ret_save, ROOM, &size, &held, &digest,
				 &err) == HF_OK);
	return size;
}

static void prepare(void)
{
	if (config.source_count > 0)
		return;
	hf_config_defaults(&config);
	config.source_count = 1;
	config.camera_count = config.zone_count = 2;
	for (uint32_t i = 0; i < 2; i++) {
		(void)snprintf(config.cameras[i].id, HF_ID_BYTES, "camera%u", i);
		(void)snprintf(config.zones[i].id, HF_ID_BYTES, "door");
		config.zones[i].camera = i;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	const struct hf_mono now = { .us = 60000000 };
	struct hf_err err = { 0 };
	uint32_t forgotten;

	if (size_bytes > ROOM - HEADER_BYTES)
		return 0;
	prepare();
	struct hf_save_parts parts = fresh_parts();
	(void)encode(&parts, now, save); /* magic and version */
	if (size_bytes > 0)
		memcpy(save + HEADER_BYTES, data, size_bytes);
	const uint32_t size = (uint32_t)size_bytes + HEADER_BYTES;
	const uint32_t crc = hf_crc32c(0, save + HEADER_BYTES, size_bytes);
	memcpy(save + 8, &size, 4);
	memcpy(save + 12, &crc, 4);
	if (hf_save_decode(save, size, &config, now, &parts, &forgotten, &err) != HF_OK) {
		FUZZ_MUST(hf_stays_open(&stays) == 0 && offers.count == 0);
		return 0;
	}
	FUZZ_MUST(offers.count <= HF_OFFERS_MAX);
	size_t size_again = encode(&parts, now, again);
	uint32_t open = hf_stays_open(&stays);
	size_t count = offers.count;
	parts = fresh_parts();
	FUZZ_MUST(hf_save_decode(again, size_again, &config, now, &parts, &forgotten, &err) ==
		  HF_OK);
	FUZZ_MUST(hf_stays_open(&stays) == open && offers.count == count);
	return 0;
}
