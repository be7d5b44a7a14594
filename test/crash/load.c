/* SPDX-License-Identifier: Apache-2.0 */
#include "load.h"

#include "base/assert.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	LOAD_BOOT = 3,
	LOAD_WALL_MS = 1776686400, /* times 1000 */
};

uint64_t load_chance(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

uint64_t load_between(uint64_t *state, uint64_t low, uint64_t high)
{
	return low + load_chance(state) % (high - low + 1);
}

void load_begin(struct load *load, uint64_t seed)
{
	*load = (struct load){ .seed = seed };
}

void load_free(struct load *load)
{
	for (unsigned p = 0; p < KEEPER_HOST_PRODUCERS_MAX; p++)
		free(load->producers[p].events);
	load_begin(load, load->seed);
}

/* Filling that follows from who says it: its length and its letters. */
static size_t fill(const struct load *load, unsigned producer, uint64_t n, char *ret_text)
{
	uint64_t state = load->seed ^ ((uint64_t)producer << 56) ^ n;
	uint64_t size = load_chance(&state);
	/* Not by the shape of today: the line is compared long after that has changed. */
	static const unsigned sizes[] = { 0, 40, 200, 900, LOAD_ATTRS_MAX };
	size_t bytes = sizes[size % 5] == 0 ? 0 : (size >> 8) % sizes[size % 5];
	uint64_t letters = 0;

	for (size_t i = 0; i < bytes; i++) {
		if (i % 8 == 0)
			letters = load_chance(&state);
		ret_text[i] = (char)('a' + (letters >> (i % 8 * 8)) % 26);
	}
	ret_text[bytes] = '\0';
	return bytes;
}

static void attrs_of(const struct load *load, unsigned producer, uint64_t n, size_t size_bytes,
		     char *ret_text)
{
	char filling[LOAD_ATTRS_MAX + 1];

	(void)fill(load, producer, n, filling);
	(void)snprintf(ret_text, size_bytes, "{\"producer\":%u,\"n\":%llu,\"fill\":\"%s\"}",
		       producer, (unsigned long long)n, filling);
}

static struct hf_origin origin_of(unsigned producer, uint64_t n)
{
	return (struct hf_origin){ .boot = LOAD_BOOT,
				   .run = producer + 1,
				   .n = n,
				   .producer = keeper_host_letter(producer) };
}

static void make_offer(const struct load *load, unsigned producer, uint64_t n,
		       struct hf_offer *ret_offer)
{
	char attrs[HF_ATTRS_BYTES];
	struct hf_err err;
	struct hf_event_context context = { .boot_id = "01234567-89ab-cdef-0123-456789abcdef",
					    .release = "r1" };
	struct hf_origin origin = origin_of(producer, n);
	struct hf_event event = {
		.event_class = "pre_action_zone_entry",
		.captured_wall = { .ms = INT64_C(1000) * LOAD_WALL_MS + (int64_t)n },
		.captured_mono = { .us = (int64_t)n },
		.layout_id = "4x4-std",
		.camera_name = "gate",
		.zone_id = "z1",
		.clock = "synced",
		.state = HF_STATE_HEALTHY,
		.attrs = attrs,
	};

	attrs_of(load, producer, n, sizeof attrs, attrs);
	enum hf_code code = hf_offer_make(&event, &context, &origin, ret_offer, &err);
	HF_ASSERT(code == HF_OK);
}

bool load_same(const struct load *load, unsigned producer, uint64_t n, const struct hf_line *line)
{
	char attrs[HF_ATTRS_BYTES];

	attrs_of(load, producer, n, sizeof attrs, attrs);
	return line->attrs.size_bytes == strlen(attrs) &&
	       memcmp(line->attrs.data, attrs, line->attrs.size_bytes) == 0;
}

struct load_event *load_find(struct load *load, const struct hf_origin *origin,
			     unsigned *ret_producer)
{
	if (origin->boot != LOAD_BOOT || origin->run == 0 ||
	    origin->run > KEEPER_HOST_PRODUCERS_MAX ||
	    origin->producer != keeper_host_letter((unsigned)origin->run - 1))
		return NULL;
	struct load_producer *p = &load->producers[origin->run - 1];
	if (origin->n == 0 || origin->n > p->offered)
		return NULL;
	*ret_producer = (unsigned)origin->run - 1;
	return &p->events[origin->n];
}

void load_reconnect(struct load *load, unsigned again)
{
	for (unsigned i = 0; i < KEEPER_HOST_PRODUCERS_MAX; i++) {
		struct load_producer *p = &load->producers[i];
		uint64_t from = p->answered > again ? p->answered - again : 0;

		for (uint64_t n = from + 1; n <= p->offered; n++)
			if (p->events[n].local_seq == 0 ||
			    p->events[n].local_seq + LOAD_KNOWN > load->seq_max)
				p->events[n].offered = false;
	}
}

static void make_room(struct load_producer *p)
{
	if (p->offered + 1 < p->room)
		return;
	size_t room = p->room == 0 ? 1024 : 2 * p->room;
	p->events = realloc(p->events, room * sizeof *p->events);
	HF_ASSERT(p->events != NULL);
	memset(p->events + p->room, 0, (room - p->room) * sizeof *p->events);
	p->room = room;
}

/* What is to be offered again lies in the window before it and a little behind. */
static enum hf_code send_again(struct load *load, const struct keeper_host *host, unsigned i,
			       bool *ret_full, struct hf_err *err)
{
	struct load_producer *p = &load->producers[i];
	uint64_t from = p->answered > LOAD_IN_HAND ? p->answered - LOAD_IN_HAND : 0;
	struct hf_offer offer;

	*ret_full = false;
	for (uint64_t n = from + 1; n <= p->offered; n++) {
		if (p->events[n].offered)
			continue;
		make_offer(load, i, n, &offer);
		enum hf_code code = keeper_host_offer(host, i, &offer, err);
		*ret_full = code == HF_E_AGAIN;
		if (code != HF_OK)
			return code == HF_E_AGAIN ? HF_OK : code;
		p->events[n].offered = true;
	}
	return HF_OK;
}

static enum hf_code send_new(struct load *load, const struct keeper_host *host, unsigned i,
			     struct hf_err *err)
{
	struct load_producer *p = &load->producers[i];
	struct hf_offer offer;

	while (p->offered - p->answered < load->shape.window &&
	       (load->shape.events_max == 0 || p->offered < load->shape.events_max)) {
		make_room(p);
		make_offer(load, i, p->offered + 1, &offer);
		enum hf_code code = keeper_host_offer(host, i, &offer, err);
		if (code != HF_OK)
			return code == HF_E_AGAIN ? HF_OK : code;
		p->offered++;
		p->events[p->offered].offered = true;
	}
	return HF_OK;
}

enum hf_code load_send_old(struct load *load, const struct keeper_host *host, struct hf_err *err)
{
	bool full;
	enum hf_code code = HF_OK;

	for (unsigned i = 0; code == HF_OK && i < host->producers; i++)
		code = send_again(load, host, i, &full, err);
	return code;
}

enum hf_code load_send(struct load *load, const struct keeper_host *host, struct hf_err *err)
{
	enum hf_code code = HF_OK;
	bool full = false;

	for (unsigned i = 0; code == HF_OK && i < host->producers; i++) {
		code = send_again(load, host, i, &full, err);
		if (code == HF_OK && !full && i < load->shape.producers)
			code = send_new(load, host, i, err);
	}
	return code;
}

static void take_one(struct load *load, const struct hf_ack *ack, bool late)
{
	struct hf_origin origin;
	struct hf_err err;
	unsigned i = 0;
	struct load_event *event = hf_origin_parse(ack->origin, &origin, &err) == HF_OK
					   ? load_find(load, &origin, &i)
					   : NULL;

	HF_ASSERT(event != NULL); /* an answer to what was never offered */
	if (ack->outcome == HF_ACK_LATER) {
		event->offered = false;
		load->later++;
		return;
	}
	if (ack->outcome == HF_ACK_REFUSED) {
		load->refused++;
		return;
	}
	load->acks++;
	if (ack->local_seq > load->seq_max)
		load->seq_max = ack->local_seq;
	load->duplicates += ack->duplicate;
	if (event->local_seq != 0 && event->local_seq != ack->local_seq && load->wrong_again++ == 0)
		(void)snprintf(load->wrong, sizeof load->wrong, "%s was %llu, is now %llu",
			       ack->origin, (unsigned long long)event->local_seq,
			       (unsigned long long)ack->local_seq);
	if (late) {
		event->seq_late = ack->local_seq;
		load->late++;
		return;
	}
	if (event->seq_late != 0 && event->seq_late != ack->local_seq)
		load->late_lost++;
	event->seq_late = 0;
	event->local_seq = ack->local_seq;
	struct load_producer *p = &load->producers[i];
	while (p->answered < p->offered && p->events[p->answered + 1].local_seq != 0)
		p->answered++;
}

enum hf_code load_take(struct load *load, struct keeper_host *host, bool late, struct hf_err *err)
{
	for (unsigned i = 0; i < host->producers; i++) {
		struct hf_ack ack;
		enum hf_code code;

		while ((code = keeper_host_ack(host, i, 0, &ack, err)) == HF_OK)
			take_one(load, &ack, late);
		if (code != HF_E_AGAIN)
			return code;
	}
	return HF_OK;
}

void load_wait(const struct load *load, const struct keeper_host *host, int64_t wait_us)
{
	struct pollfd fds[KEEPER_HOST_PRODUCERS_MAX + 1];
	struct timespec time = { .tv_sec = wait_us / 1000000, .tv_nsec = wait_us % 1000000 * 1000 };
	nfds_t count = 0;

	(void)load;
	for (unsigned i = 0; i < host->producers; i++)
		fds[count++] = (struct pollfd){ .fd = keeper_host_fd(host, i), .events = POLLIN };
	(void)ppoll(fds, count, wait_us > 0 ? &time : &(struct timespec){ 0 }, NULL);
}

uint64_t load_in_doubt(const struct load *load)
{
	uint64_t count = 0;

	for (unsigned i = 0; i < KEEPER_HOST_PRODUCERS_MAX; i++) {
		const struct load_producer *p = &load->producers[i];

		for (uint64_t n = p->answered + 1; n <= p->offered; n++)
			count += p->events[n].local_seq == 0;
	}
	return count;
}

uint64_t load_acknowledged(const struct load *load)
{
	uint64_t count = 0;

	for (unsigned i = 0; i < KEEPER_HOST_PRODUCERS_MAX; i++) {
		const struct load_producer *p = &load->producers[i];

		for (uint64_t n = 1; n <= p->offered; n++)
			count += p->events[n].local_seq != 0;
	}
	return count;
}

static bool has_more(const struct load *load)
{
	for (unsigned i = 0; i < KEEPER_HOST_PRODUCERS_MAX; i++) {
		const struct load_producer *p = &load->producers[i];
		uint64_t from = p->answered > LOAD_IN_HAND ? p->answered - LOAD_IN_HAND : 0;

		for (uint64_t n = from + 1; n <= p->offered; n++)
			if (!p->events[n].offered)
				return true;
	}
	return false;
}

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

enum hf_code load_settle(struct load *load, struct keeper_host *host, int wait_ms,
			 struct hf_err *err)
{
	int64_t until = now_ms() + wait_ms;

	while (has_more(load) || load_in_doubt(load) > 0) {
		uint64_t later = load->later;
		enum hf_code code = load_send_old(load, host, err);

		if (code == HF_OK) {
			load_wait(load, host, 20000);
			code = load_take(load, host, false, err);
		}
		if (code != HF_OK)
			return code;
		if (now_ms() > until)
			return hf_fail(err, HF_E_AGAIN, "%llu events without an answer",
				       (unsigned long long)load_in_doubt(load));
		/* "Later" is not "at once". */
		if (load->later != later)
			(void)nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
	}
	return HF_OK;
}

enum hf_code load_complete(struct load *load, struct keeper_host *host, int wait_ms,
			   struct hf_err *err)
{
	int64_t until = now_ms() + wait_ms;

	while (load_acknowledged(load) < load->shape.producers * load->shape.events_max) {
		uint64_t later = load->later;
		enum hf_code code = load_send(load, host, err);

		if (code == HF_OK) {
			load_wait(load, host, 20000);
			code = load_take(load, host, false, err);
		}
		if (code != HF_OK)
			return code;
		if (now_ms() > until)
			return hf_fail(err, HF_E_AGAIN, "%llu events without an answer",
				       (unsigned long long)load_in_doubt(load));
		if (load->later != later)
			(void)nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
	}
	return HF_OK;
}
