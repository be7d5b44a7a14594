/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one of our processes may get from another that was taken over: a packet on a link, and the
 * check of each body. The first byte is the type; the second says whether the rest is the body
 * (1), the packet with its header (2), or changes to a good body (0): three bytes of place, one of
 * value, again and again. So the corpus outlives a change of the structs.
 */
#include "fuzz.h"

#include "base/json.h"
#include "shape/config.h"
#include "wire/msg.h"

#include <sys/socket.h>

static struct hf_result result;
static struct hf_config config;
static uint8_t body[HF_MSG_BODY_BYTES_MAX + sizeof(struct hf_config)],
	received[HF_MSG_BODY_BYTES_MAX];

static size_t good_result(void)
{
	memset(&result, 0, sizeof result);
	result.job = (struct hf_job){ .job_id = 1,
				      .ring_id = 1,
				      .layout = HF_LAYOUT_1X1,
				      .look = HF_LOOK_MOTION,
				      .width = 480,
				      .height = 288,
				      .source_width = 480,
				      .source_height = 288,
				      .frame = 1,
				      .captured_mono = { 1 },
				      .captured_wall = { 1 } };
	(void)snprintf(result.model_tag, sizeof result.model_tag, "m@1");
	result.score_threshold = 0.5F;
	result.detection_count = 1;
	result.detections[0] = (struct hf_detection){
		.score = 0.9F, .x = 0.1F, .y = 0.1F, .width = 0.2F, .height = 0.2F
	};
	memcpy(body, &result, hf_result_bytes(1));
	return hf_result_bytes(1);
}

static size_t good_offer(void)
{
	const struct hf_event_context context = { .boot_id = "b", .release = "r" };
	const struct hf_event event = { .event_class = "c", .clock = "synced" };
	const struct hf_origin origin = { .boot = 1, .run = 1, .n = 1, .producer = 'r' };
	struct hf_offer offer;
	struct hf_err err = { 0 };

	FUZZ_MUST(hf_offer_make(&event, &context, &origin, &offer, &err) == HF_OK);
	return hf_offer_pack(&offer, body);
}

static void judge_offer(struct hf_msg *msg)
{
	uint8_t again[sizeof(struct hf_offer)];
	struct hf_offer offer;
	struct hf_err err = { 0 };
	size_t size;

	const uint8_t *rest = hf_msg_get_rest(msg, &size);
	if (hf_msg_end(msg, &err) != HF_OK || hf_offer_unpack(rest, size, &offer, &err) != HF_OK)
		return;
	FUZZ_MUST(strlen(offer.head) <= offer.head_bytes && offer.head_bytes < sizeof offer.head);
	FUZZ_MUST(strlen(offer.tail) <= offer.tail_bytes && offer.tail_bytes < sizeof offer.tail);
	FUZZ_MUST(hf_offer_pack(&offer, again) == size && memcmp(again, rest, size) == 0);
	(void)!hf_offer_check(&offer, &err);
}

/* A body that this type's check takes, or zeroes of its size. */
static size_t good_body(enum hf_msg_type type)
{
	struct hf_tick tick = {
		.layout = HF_LAYOUT_1X1, .frame = 1, .captured_mono = { 1 }, .captured_wall = { 1 }
	};

	if (type == HF_MSG_RESULT)
		return good_result();
	if (type == HF_MSG_JOB) {
		(void)good_result();
		memcpy(body, &result.job, sizeof result.job);
		return sizeof result.job;
	}
	if (type == HF_MSG_TICK) {
		memcpy(body, &tick, sizeof tick);
		return sizeof tick;
	}
	if (type == HF_MSG_HELLO) {
		hf_config_defaults(&config);
		config.source_count = 1;
		(void)snprintf(config.sources[0].id, HF_ID_BYTES, "a");
		memcpy(body, &config, sizeof config);
		return sizeof config;
	}
	return type == HF_MSG_OFFER ? good_offer() : sizeof(struct hf_note);
}

static size_t make_body(enum hf_msg_type type, bool raw, const uint8_t *data, size_t size_bytes)
{
	if (raw) {
		size_t size = size_bytes < sizeof body ? size_bytes : sizeof body;

		memcpy(body, data, size);
		return size;
	}
	memset(body, 0, sizeof body);
	size_t size = good_body(type);
	for (; size_bytes >= 4; data += 4, size_bytes -= 4)
		body[((size_t)data[0] << 16 | (size_t)data[1] << 8 | data[2]) % size] = data[3];
	return size - (size_bytes > 0 ? data[0] % size : 0); /* what is left over: cut short */
}

/* As the receivers do: in the order of the getters, then one question. */
static void judge(struct hf_msg *msg)
{
	struct hf_err err = { 0 };
	enum hf_msg_type type = msg->type;

	if (type == HF_MSG_HELLO) { /* the memory that comes with it, not the message */
		hf_msg_get(msg, &config, sizeof config);
		if (hf_msg_end(msg, &err) == HF_OK && hf_config_check(&config, &err) == HF_OK)
			FUZZ_MUST(config.source_count <= HF_SOURCES_MAX);
	} else if (type == HF_MSG_RESULT) {
		size_t size;
		const uint8_t *rest = hf_msg_get_rest(msg, &size);
		if (hf_result_unpack(rest, size, &result, &err) == HF_OK) {
			FUZZ_MUST(result.detection_count <= HF_DETECTIONS_MAX);
			FUZZ_MUST(result.job.source < HF_SOURCES_MAX);
			FUZZ_MUST(memchr(result.model_tag, '\0', sizeof result.model_tag) != NULL);
		}
	} else if (type == HF_MSG_JOB) {
		struct hf_job job;
		hf_msg_get(msg, &job, sizeof job);
		if (hf_msg_end(msg, &err) == HF_OK && hf_job_check(&job, &err) == HF_OK)
			FUZZ_MUST(job.width <= HF_TILE_WIDTH_MAX && job.source < HF_SOURCES_MAX);
	} else if (type == HF_MSG_TICK) {
		struct hf_tick tick;
		hf_msg_get(msg, &tick, sizeof tick);
		if (hf_msg_end(msg, &err) == HF_OK && hf_tick_check(&tick, &err) == HF_OK)
			FUZZ_MUST(tick.source < HF_SOURCES_MAX);
	} else if (type == HF_MSG_OFFER) {
		judge_offer(msg);
	} else {
		size_t size;
		const uint8_t *rest = hf_msg_get_rest(msg, &size);
		(void)hf_json_is_object((const char *)rest, size);
	}
	hf_msg_drop(msg);
}

static void over_a_link(const uint8_t *data, size_t size_bytes)
{
	struct hf_err err = { 0 };
	struct hf_msg msg;
	int pair[2];

	FUZZ_MUST(hf_msg_pair(pair, &err) == HF_OK);
	HF_AUTO_FD from = pair[0];
	HF_AUTO_FD to = pair[1];
	if (send(from, data, size_bytes, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)size_bytes &&
	    hf_msg_receive(to, received, &msg, &err) == HF_OK)
		judge(&msg);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	if (size_bytes < 2)
		return 0;
	if (data[1] == 2) {
		over_a_link(data + 2, size_bytes - 2);
		return 0;
	}
	struct hf_msg msg = { .type = (enum hf_msg_type)(data[0] % HF_MSG_COUNT), .body = body };
	msg.size_bytes = (uint32_t)make_body(msg.type, data[1] == 1, data + 2, size_bytes - 2);
	judge(&msg);
	return 0;
}
