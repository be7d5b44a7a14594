/* SPDX-License-Identifier: Apache-2.0 */
#include "respond/save.h"

#include "base/assert.h"
#include "base/crc32c.h"

#include <string.h>

enum {
	SAVE_MAGIC = 0x53524648, /* "HFRS" */
	SAVE_VERSION = 2,
	HEADER_BYTES = 16,
	BODY_AT = HEADER_BYTES + 8, /* after the time, which the digest leaves out */
};

static const int64_t time_us_max = INT64_C(1) << 52; /* 142 years */

/* Sticky both ways: after the end nothing is written, and zeroes are read. */
struct bytes {
	uint8_t *data;
	size_t at, size_bytes;
	bool bad;
};

static void put(struct bytes *bytes, const void *from, size_t size_bytes)
{
	if (bytes->bad || size_bytes > bytes->size_bytes - bytes->at) {
		bytes->bad = true;
		return;
	}
	memcpy(bytes->data + bytes->at, from, size_bytes);
	bytes->at += size_bytes;
}

static void put_number(struct bytes *bytes, uint64_t value, size_t size_bytes)
{
	uint8_t little[8];

	for (size_t i = 0; i < size_bytes; i++)
		little[i] = (uint8_t)(value >> 8 * i);
	put(bytes, little, size_bytes);
}

static void put_u8(struct bytes *bytes, uint8_t value)
{
	put_number(bytes, value, 1);
}

static void put_u32(struct bytes *bytes, uint32_t value)
{
	put_number(bytes, value, 4);
}

static void put_u64(struct bytes *bytes, uint64_t value)
{
	put_number(bytes, value, 8);
}

static void put_i64(struct bytes *bytes, int64_t value)
{
	put_number(bytes, (uint64_t)value, 8);
}

static void put_real(struct bytes *bytes, double value)
{
	uint64_t as_bits;

	memcpy(&as_bits, &value, sizeof as_bits);
	put_u64(bytes, as_bits);
}

static void get(struct bytes *bytes, void *ret, size_t size_bytes)
{
	if (bytes->bad || size_bytes > bytes->size_bytes - bytes->at) {
		bytes->bad = true;
		memset(ret, 0, size_bytes);
		return;
	}
	memcpy(ret, bytes->data + bytes->at, size_bytes);
	bytes->at += size_bytes;
}

static uint64_t get_number(struct bytes *bytes, size_t size_bytes)
{
	uint8_t little[8];
	uint64_t value = 0;

	get(bytes, little, size_bytes);
	for (size_t i = 0; i < size_bytes; i++)
		value |= (uint64_t)little[i] << 8 * i;
	return value;
}

static uint8_t get_u8(struct bytes *bytes)
{
	return (uint8_t)get_number(bytes, 1);
}

static uint32_t get_u32(struct bytes *bytes)
{
	return (uint32_t)get_number(bytes, 4);
}

static uint64_t get_u64(struct bytes *bytes)
{
	return get_number(bytes, 8);
}

static int64_t get_i64(struct bytes *bytes)
{
	return (int64_t)get_number(bytes, 8);
}

static double get_real(struct bytes *bytes)
{
	uint64_t as_bits = get_u64(bytes);
	double value;

	memcpy(&value, &as_bits, sizeof value);
	return value;
}

static uint32_t zone_key(const struct hf_config *config, uint32_t zone)
{
	const char *camera_id = config->cameras[config->zones[zone].camera].id;
	const char *zone_id = config->zones[zone].id;
	uint32_t crc = hf_crc32c(0, camera_id, strlen(camera_id) + 1);

	return hf_crc32c(crc, zone_id, strlen(zone_id));
}

/* config->zone_count when there is none. */
static uint32_t zone_of_key(const struct hf_config *config, uint32_t key)
{
	uint32_t zone = 0;

	while (zone < config->zone_count && zone_key(config, zone) != key)
		zone++;
	return zone;
}

static bool is_open(const struct hf_stay *stay)
{
	return stay->phase == HF_STAY_INSIDE || stay->phase == HF_STAY_OUTSIDE;
}

static bool is_running(const struct hf_cooldown *cooldown)
{
	return cooldown->until.us != 0 || cooldown->held != 0;
}

static void put_class(struct bytes *bytes, const char *class_name)
{
	size_t length = strlen(class_name);

	put_u8(bytes, (uint8_t)length);
	put(bytes, class_name, length);
}

/* The class of a cool-down's threshold; "" where it is for all, or for the entry. */
static const char *slot_class(const struct hf_config_zone *zone, int rule, uint32_t slot)
{
	return rule == HF_RULE_ZONE_ENTRY || slot >= zone->loitering_count
		       ? ""
		       : zone->loitering[slot].class_name;
}

static void put_cooldowns(struct bytes *bytes, const struct hf_rules *rules,
			  const struct hf_config *config)
{
	size_t count_at = bytes->at;
	uint32_t count = 0;

	put_u32(bytes, 0);
	for (int rule = 0; rule < HF_RULE_COUNT; rule++)
		for (uint32_t zone = 0; zone < config->zone_count; zone++)
			for (uint32_t slot = 0; slot < HF_ZONE_CLASSES_MAX; slot++) {
				const struct hf_cooldown *cooldown =
					&rules->cooldowns[rule][zone][slot];

				if (!is_running(cooldown))
					continue;
				count++;
				put_u8(bytes, (uint8_t)rule);
				put_u32(bytes, zone_key(config, zone));
				put_class(bytes, slot_class(&config->zones[zone], rule, slot));
				put_i64(bytes, cooldown->until.us);
				put_u32(bytes, cooldown->held);
			}
	if (!bytes->bad) {
		struct bytes at = { .data = bytes->data, .at = count_at, .size_bytes = bytes->at };

		put_u32(&at, count);
	}
}

static void put_stays(struct bytes *bytes, const struct hf_stays *stays,
		      const struct hf_config *config, bool with_colours)
{
	uint32_t count = 0;

	for (size_t i = 0; i < HF_STAYS_MAX; i++)
		count += is_open(&stays->list[i]);
	put_u32(bytes, count);
	for (size_t i = 0; i < HF_STAYS_MAX; i++) {
		const struct hf_stay *stay = &stays->list[i];

		if (!is_open(stay))
			continue;
		put_u32(bytes, zone_key(config, stay->zone));
		put_u64(bytes, stay->id.boot);
		put_u64(bytes, stay->id.run);
		put_u64(bytes, stay->id.n);
		put_class(bytes, stay->class_name);
		put_u8(bytes, (uint8_t)stay->phase);
		put_u32(bytes, stay->fired);
		put_i64(bytes, stay->dwell_us);
		put_i64(bytes, stay->blind_us);
		put_real(bytes, stay->box.x);
		put_real(bytes, stay->box.y);
		put_real(bytes, stay->box.width);
		put_real(bytes, stay->box.height);
		bool known = with_colours && stay->colours.known;
		put_u8(bytes, known);
		if (known)
			put(bytes, stay->colours.bins, sizeof stay->colours.bins);
	}
}

static void put_offer(struct bytes *bytes, const struct hf_pending *pending)
{
	const struct hf_offer *offer = &pending->offer;
	size_t origin_bytes = strlen(offer->origin);

	put_i64(bytes, pending->captured.us);
	put_u32(bytes, (uint32_t)origin_bytes);
	put(bytes, offer->origin, origin_bytes);
	put_u32(bytes, offer->head_bytes);
	put(bytes, offer->head, offer->head_bytes);
	put_u32(bytes, offer->tail_bytes);
	put(bytes, offer->tail, offer->tail_bytes);
}

/* As many from the front as there is room for; the count stands before them. */
static size_t put_offers(struct bytes *bytes, const struct hf_offers *offers)
{
	size_t count_at = bytes->at, written = 0;

	put_u32(bytes, 0);
	while (!bytes->bad && written < offers->count) {
		size_t before = bytes->at;

		put_offer(bytes, hf_offers_at(offers, written));
		if (bytes->bad) {
			bytes->bad = false;
			bytes->at = before;
			break;
		}
		written++;
	}
	if (!bytes->bad) {
		struct bytes count = { .data = bytes->data,
				       .at = count_at,
				       .size_bytes = bytes->size_bytes };

		put_u32(&count, (uint32_t)written);
	}
	return written;
}

static struct bytes put_all(const struct hf_save_parts *parts, const struct hf_config *config,
			    struct hf_mono now, uint8_t *data, size_t size_bytes_max,
			    bool with_colours, size_t *ret_offers)
{
	struct bytes bytes = { .data = data, .size_bytes = size_bytes_max };

	put_u32(&bytes, SAVE_MAGIC);
	put_u32(&bytes, SAVE_VERSION);
	put_u64(&bytes, 0); /* size and CRC, at the end */
	put_i64(&bytes, now.us);
	put_u64(&bytes, parts->boot);
	put_u64(&bytes, parts->run);
	put_u64(&bytes, parts->origin_next);
	put_u64(&bytes, parts->stays->next_n);
	put_u64(&bytes, parts->offers->suppressed);
	put_cooldowns(&bytes, parts->rules, config);
	put_stays(&bytes, parts->stays, config, with_colours);
	*ret_offers = put_offers(&bytes, parts->offers);
	return bytes;
}

enum hf_code hf_save_encode(const struct hf_save_parts *parts, const struct hf_config *config,
			    struct hf_mono now, uint8_t *data, size_t size_bytes_max,
			    size_t *ret_size_bytes, size_t *ret_offers, uint32_t *ret_digest,
			    struct hf_err *err)
{
	struct bytes bytes = put_all(parts, config, now, data, size_bytes_max, true, ret_offers);

	if (bytes.bad || *ret_offers < parts->offers->count)
		bytes = put_all(parts, config, now, data, size_bytes_max, false, ret_offers);
	if (bytes.bad)
		return hf_fail(err, HF_E_LIMIT, "save: stays and cool-downs alone exceed %zu bytes",
			       size_bytes_max);
	struct bytes header = { .data = data, .at = 8, .size_bytes = HEADER_BYTES };
	put_u32(&header, (uint32_t)bytes.at);
	put_u32(&header, hf_crc32c(0, data + HEADER_BYTES, bytes.at - HEADER_BYTES));
	*ret_size_bytes = bytes.at;
	*ret_digest = hf_crc32c(0, data + BODY_AT, bytes.at - BODY_AT);
	return HF_OK;
}

/* How the old process's time reads on this one's clock. */
struct since {
	bool same_boot;
	struct hf_mono made, now;
};

static void get_class(struct bytes *bytes, char ret_name[HF_CLASS_BYTES])
{
	size_t length = get_u8(bytes);

	memset(ret_name, 0, HF_CLASS_BYTES);
	if (length >= HF_CLASS_BYTES)
		bytes->bad = true;
	else
		get(bytes, ret_name, length);
}

/* The slot of this class's threshold, or HF_ZONE_CLASSES_MAX when it has none any more. */
static uint32_t slot_of_class(const struct hf_config_zone *zone, unsigned rule,
			      const char *class_name)
{
	uint32_t slot = 0;

	if (rule == HF_RULE_ZONE_ENTRY)
		return 0;
	while (slot < zone->loitering_count &&
	       strcmp(zone->loitering[slot].class_name, class_name) != 0)
		slot++;
	return slot < zone->loitering_count ? slot : HF_ZONE_CLASSES_MAX;
}

static void get_cooldowns(struct bytes *bytes, const struct hf_config *config, struct since since,
			  struct hf_rules *rules, uint32_t *forgotten)
{
	uint32_t count = get_u32(bytes);

	for (uint32_t i = 0; i < count && !bytes->bad; i++) {
		unsigned rule = get_u8(bytes);
		uint32_t zone = zone_of_key(config, get_u32(bytes));
		char class_name[HF_CLASS_BYTES];
		get_class(bytes, class_name);
		struct hf_mono until = { .us = get_i64(bytes) };
		uint32_t held = get_u32(bytes);

		if (bytes->bad)
			return;
		if (rule >= HF_RULE_COUNT || zone == config->zone_count) {
			(*forgotten)++;
			continue;
		}
		uint32_t slot = slot_of_class(&config->zones[zone], rule, class_name);
		if (slot == HF_ZONE_CLASSES_MAX) {
			(*forgotten)++;
			continue;
		}
		int64_t left_us = 0;
		if (until.us > since.made.us)
			left_us = (int64_t)((uint64_t)until.us - (uint64_t)since.made.us);
		/* Whatever the bytes say: not longer than the zone's own cool-down. */
		if (left_us < 0 || left_us > config->zones[zone].cooldown_ms * 1000)
			left_us = config->zones[zone].cooldown_ms * 1000;
		struct hf_mono from = since.same_boot ? since.made : since.now;
		rules->cooldowns[rule][zone][slot] = (struct hf_cooldown){
			.until = { .us = from.us + left_us },
			.held = held,
		};
	}
}

static bool is_sane(const struct hf_stay *stay)
{
	const struct hf_box *box = &stay->box;

	return is_open(stay) && stay->dwell_us >= 0 && stay->dwell_us < time_us_max &&
	       stay->blind_us >= 0 && stay->blind_us < time_us_max && isfinite(box->x) &&
	       isfinite(box->y) && isfinite(box->width) && isfinite(box->height) &&
	       box->width > 0 && box->height > 0 && stay->id.n > 0 && stay->class_name[0] != '\0';
}

static void get_stays(struct bytes *bytes, const struct hf_config *config, struct since since,
		      struct hf_stays *stays, uint32_t *forgotten)
{
	uint32_t count = get_u32(bytes), used = 0;

	if (count > HF_STAYS_MAX)
		bytes->bad = true;
	for (uint32_t i = 0; i < count && !bytes->bad; i++) {
		struct hf_stay stay = { .zone = zone_of_key(config, get_u32(bytes)) };

		stay.id.boot = get_u64(bytes);
		stay.id.run = get_u64(bytes);
		stay.id.n = get_u64(bytes);
		get_class(bytes, stay.class_name);
		stay.phase = (enum hf_stay_phase)get_u8(bytes);
		stay.fired = get_u32(bytes);
		stay.dwell_us = get_i64(bytes);
		stay.blind_us = get_i64(bytes);
		stay.box.x = get_real(bytes);
		stay.box.y = get_real(bytes);
		stay.box.width = get_real(bytes);
		stay.box.height = get_real(bytes);
		stay.colours.known = get_u8(bytes) != 0;
		if (stay.colours.known)
			get(bytes, stay.colours.bins, sizeof stay.colours.bins);
		if (bytes->bad || !is_sane(&stay)) {
			bytes->bad = true;
			return;
		}
		if (stay.zone == config->zone_count) {
			(*forgotten)++;
			continue;
		}
		if (since.same_boot)
			stay.blind_us += hf_mono_diff_us(since.now, since.made);
		stays->list[used++] = stay;
	}
}

static uint32_t get_run(struct bytes *bytes, char *ret_run, size_t size_bytes_max)
{
	uint32_t run_bytes = get_u32(bytes);

	if (run_bytes >= size_bytes_max) {
		bytes->bad = true;
		return 0;
	}
	get(bytes, ret_run, run_bytes);
	ret_run[run_bytes] = '\0';
	return run_bytes;
}

static void get_offers(struct bytes *bytes, struct since since, struct hf_offers *offers)
{
	uint32_t count = get_u32(bytes);

	if (count > HF_OFFERS_MAX)
		bytes->bad = true;
	for (uint32_t i = 0; i < count && !bytes->bad; i++) {
		struct hf_offer offer = { 0 };
		struct hf_mono captured = { .us = get_i64(bytes) };

		(void)get_run(bytes, offer.origin, sizeof offer.origin);
		offer.head_bytes = get_run(bytes, offer.head, sizeof offer.head);
		offer.tail_bytes = get_run(bytes, offer.tail, sizeof offer.tail);
		if (bytes->bad || hf_offer_check(&offer, NULL) != HF_OK ||
		    hf_offers_put(offers, &offer,
				  since.same_boot ? captured : (struct hf_mono){ 0 },
				  NULL) != HF_OK)
			bytes->bad = true;
	}
}

static enum hf_code check_header(const uint8_t *data, size_t size_bytes, struct hf_err *err)
{
	struct bytes header = { .data = (uint8_t *)(uintptr_t)data, .size_bytes = size_bytes };
	uint32_t magic = get_u32(&header), version = get_u32(&header);
	uint32_t size = get_u32(&header), crc = get_u32(&header);

	if (header.bad || magic != SAVE_MAGIC)
		return hf_fail(err, HF_E_CORRUPT, "saved state: %zu bytes that are none",
			       size_bytes);
	if (version != SAVE_VERSION)
		return hf_fail(err, HF_E_CORRUPT, "saved state: version %u, this is %d", version,
			       SAVE_VERSION);
	if (size != size_bytes || size < BODY_AT)
		return hf_fail(err, HF_E_CORRUPT, "saved state: %zu bytes instead of %u",
			       size_bytes, size);
	if (hf_crc32c(0, data + HEADER_BYTES, size_bytes - HEADER_BYTES) != crc)
		return hf_fail(err, HF_E_CORRUPT, "saved state: its CRC does not verify");
	return HF_OK;
}

enum hf_code hf_save_decode(const uint8_t *data, size_t size_bytes, const struct hf_config *config,
			    struct hf_mono now, struct hf_save_parts *parts,
			    uint32_t *ret_forgotten, struct hf_err *err)
{
	enum hf_code code = check_header(data, size_bytes, err);

	if (code != HF_OK)
		return code;
	struct bytes bytes = { .data = (uint8_t *)(uintptr_t)data,
			       .at = HEADER_BYTES,
			       .size_bytes = size_bytes };
	struct since since = { .made = { .us = get_i64(&bytes) }, .now = now };
	uint64_t boot = get_u64(&bytes), run = get_u64(&bytes);
	uint64_t origin_next = get_u64(&bytes), stay_next = get_u64(&bytes);
	uint64_t suppressed = get_u64(&bytes), stay_n = parts->stays->next_n;
	uint32_t forgotten = 0;

	if (since.made.us < 0 || since.made.us >= time_us_max)
		bytes.bad = true;
	since.same_boot = boot == parts->boot && !hf_mono_before(now, since.made);
	get_cooldowns(&bytes, config, since, parts->rules, &forgotten);
	get_stays(&bytes, config, since, parts->stays, &forgotten);
	get_offers(&bytes, since, parts->offers);
	if (bytes.bad || bytes.at != size_bytes || origin_next == 0 || stay_next == 0) {
		memset(parts->rules, 0, sizeof *parts->rules);
		hf_stays_reset(parts->stays, parts->boot, parts->run, stay_n);
		hf_offers_reset(parts->offers);
		return hf_fail(err, HF_E_CORRUPT, "saved state: it verifies but makes no sense");
	}
	parts->offers->suppressed = suppressed;
	if (boot == parts->boot && run == parts->run) {
		parts->origin_next = origin_next;
		parts->stays->next_n = stay_next;
	}
	*ret_forgotten = forgotten;
	return HF_OK;
}
