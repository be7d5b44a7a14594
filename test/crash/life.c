/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the unit does in the explorer's worlds, with the real code, and what must hold.
 *
 * The uplink reads behind the watermark in the middle of each disk operation, and what it was
 * handed counts as stored by the hub: no later than that could it have left the device.
 */
#include "explore.h"

#include "base/assert.h"
#include "base/auto.h"
#include "base/crc32c.h"
#include "outbox/cursor.h"
#include "outbox/files.h"
#include "outbox/retain.h"
#include "outbox/scan.h"
#include "outbox/verify.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	BATCH_MAX = 16,
	HOLES_MAX = 32,
	OWED_EVERY = 5,
	DAY_MS = 24 * 3600 * 1000,
};

/* 2026-04-20T12:00:00Z */
static const int64_t noon_ms = INT64_C(1776686400000);

enum what {
	END,
	OFFER,  /* so many events in one batch */
	SINGLY, /* so many, a batch each */
	AGAIN,  /* the last so many once more */
	CLOCK,  /* so many hours, forward or back */
	SYNCED, /* 0: the clock is not to be trusted, 1: it is */
	CURSOR, /* the hub's answer becomes the cursor */
	RETAIN, /* what is delivered is removed */
	FAILED, /* the hub was away: the retry state is stored */
	REACHED,
	REOPEN, /* a clean end, and a start in the same boot */
};

struct step {
	enum what what;
	int64_t n;
};

/* Through midnight twice, a year ahead and back, a day back; the ring goes round several times. */
static const struct step script[] = {
	{ OFFER, 1 },   { OFFER, 3 },     { CURSOR, 0 },   { OFFER, 2 },  { OFFER, 1 },
	{ FAILED, 0 },  { OFFER, 1 },     { OFFER, 8 },    { OFFER, 1 },  { OFFER, 2 },
	{ REOPEN, 0 },  { OFFER, 1 },     { AGAIN, 3 },    { OFFER, 4 },  { CURSOR, 0 },
	{ OFFER, 1 },   { OFFER, 1 },     { CLOCK, 24 },   { OFFER, 2 },  { OFFER, 1 },
	{ FAILED, 0 },  { RETAIN, 0 },    { OFFER, 1 },    { OFFER, 3 },  { CURSOR, 0 },
	{ RETAIN, 0 },  { OFFER, 1 },     { CLOCK, -24 },  { OFFER, 2 },  { OFFER, 1 },
	{ OFFER, 9 },   { SINGLY, 26 },   { REOPEN, 0 },   { SINGLY, 3 }, { REOPEN, 0 },
	{ SINGLY, 3 },  { SYNCED, 0 },    { CLOCK, 8760 }, { OFFER, 1 },  { OFFER, 2 },
	{ SYNCED, 1 },  { CLOCK, -8760 }, { OFFER, 1 },    { OFFER, 2 },  { CURSOR, 0 },
	{ REACHED, 0 }, { RETAIN, 0 },    { OFFER, 1 },    { OFFER, 1 },  { REOPEN, 0 },
	{ OFFER, 3 },   { OFFER, 1 },     { CLOCK, 24 },   { OFFER, 1 },  { OFFER, 1 },
	{ END, 0 },
};

/* For worlds in which each operation fails in turn. */
static const struct step script_short[] = {
	{ OFFER, 1 },  { OFFER, 3 }, { OFFER, 1 },  { CURSOR, 0 }, { OFFER, 8 },
	{ OFFER, 1 },  { OFFER, 2 }, { CLOCK, 24 }, { OFFER, 1 },  { OFFER, 1 },
	{ RETAIN, 0 }, { OFFER, 2 }, { OFFER, 1 },  { END, 0 },
};

/*
 * A block of the day file must not reach further back than the ring: half a ring of frames of one
 * line each holds more than a block. So the smallest ring here has 16 slots; a real one has 1024.
 */
enum {
	SLOT = 4096,
	DIRECT = 5000, /* the batches of eight and more */
};

#define RING .ring_bytes = 16 * SLOT, .direct_bytes = DIRECT

const struct world worlds[] = {
	{ .name = "ring", RING, .script = script, .again = 3 },
	{ .name = "ring_on", RING, .script = script, .again = 12, .slow = true },
	{ .name = "ring_flush",
	  RING,
	  .script = script_short,
	  .again = 3,
	  .fails = CRASH_SYNC,
	  .fails_so = HF_E_IO,
	  .fails_for = 1 },
	{ .name = "ring_full",
	  RING,
	  .script = script_short,
	  .again = 3,
	  .fails = CRASH_WRITE,
	  .fails_so = HF_E_NOSPACE,
	  .fails_for = 2 },
	{ .name = "ring_rot", RING, .script = script, .again = 3, .rots = true },
	{ .name = "file", .script = script, .again = 3 },
	{ .name = "file_rot", .script = script, .again = 3, .rots = true },
	{ .name = "file_flush",
	  .script = script_short,
	  .again = 3,
	  .fails = CRASH_SYNC,
	  .fails_so = HF_E_IO,
	  .fails_for = 1 },
	{ .name = "file_full",
	  .script = script_short,
	  .again = 3,
	  .fails = CRASH_WRITE,
	  .fails_so = HF_E_NOSPACE,
	  .fails_for = 2 },
};
const size_t world_count = HF_ARRAY_LEN(worlds);

const struct world *world_find(const char *name)
{
	for (size_t i = 0; i < world_count; i++)
		if (strcmp(worlds[i].name, name) == 0)
			return &worlds[i];
	return NULL;
}

static void complain(struct model *model, const char *format, ...) HF_PRINTF(2, 3);

static void complain(struct model *model, const char *format, ...)
{
	va_list ap;

	if (model->complaint[0] != '\0')
		return;
	va_start(ap, format);
	(void)vsnprintf(model->complaint, sizeof model->complaint, format, ap);
	va_end(ap);
}

static unsigned long long ull(uint64_t value)
{
	return value;
}

/* --- what is known --- */

static struct fact *find_fact(struct model *model, uint64_t seq)
{
	size_t low = 0, high = model->fact_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (model->facts[middle].seq < seq)
			low = middle + 1;
		else
			high = middle;
	}
	return &model->facts[low];
}

static bool is_fact(const struct model *model, const struct fact *fact, uint64_t seq)
{
	return fact < model->facts + model->fact_count && fact->seq == seq;
}

/* Judged without the code under test: is the CRC in the line that of its bytes? */
static uint32_t hash_of(struct model *model, const struct hf_line *line)
{
	char text[9] = { 0 }, expected[9];
	size_t size = line->size_bytes;

	HF_ASSERT(size > HF_LINE_CRC_END_BYTES);
	memcpy(text, line->data + size - 11, 8);
	(void)snprintf(expected, sizeof expected, "%08x",
		       hf_crc32c(0, line->data, size - HF_LINE_CRC_END_BYTES));
	if (strcmp(text, expected) != 0)
		complain(model, "damaged bytes are taken for line %llu", ull(line->local_seq));
	return hf_crc32c(0, line->data, size - 1);
}

static void learn(struct model *model, const struct hf_line *line, bool out)
{
	struct fact *fact = find_fact(model, line->local_seq);
	uint32_t hash = hash_of(model, line);

	if (is_fact(model, fact, line->local_seq)) {
		if (fact->hash != hash)
			complain(model, "number %llu is given to two lines", ull(line->local_seq));
		fact->out = fact->out || out;
		return;
	}
	HF_ASSERT(model->fact_count < FACTS_MAX);
	memmove(fact + 1, fact, (size_t)(model->facts + model->fact_count - fact) * sizeof *fact);
	*fact = (struct fact){ .seq = line->local_seq, .hash = hash, .out = out };
	model->fact_count++;
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * UINT64_C(0x9fb21c651e98df25);
	return hash ^ (hash >> 32);
}

uint64_t model_hash(const struct model *model)
{
	uint64_t hash = mix(model->offered, model->cursor_stored);

	hash = mix(hash, model->cursor_tried);
	for (uint64_t n = 1; n <= model->offered; n++)
		hash = mix(hash, model->answered[n]);
	/* What merely stood there is on the disk, or was decided upon. */
	for (size_t i = 0; i < model->fact_count; i++)
		if (model->facts[i].out)
			hash = mix(mix(hash, model->facts[i].seq), model->facts[i].hash);
	for (size_t i = 0; i < sizeof model->retry_stored; i++)
		hash = mix(hash, (uint64_t)model->retry_stored[i] * 256 +
					 (uint64_t)model->retry_tried[i]);
	return mix(hash, (uint64_t)model->wall_ms);
}

/* --- the unit --- */

static struct hf_mono life_mono(const struct hf_clock *clock)
{
	return (struct hf_mono){ .us = ((struct life_clock *)clock->context)->mono_us };
}

static struct hf_wall life_wall(const struct hf_clock *clock)
{
	return (struct hf_wall){ .ms = ((struct life_clock *)clock->context)->wall_ms };
}

/* The writer asks a function without a context; lives are nested, the innermost one runs. */
static bool now_synced;

static const char *life_trust(void)
{
	return now_synced ? "synced" : "unsynced";
}

/* The nth event; lines of many lengths, so that they end everywhere in a page. */
static const struct hf_offer *offer_of(uint64_t n)
{
	static struct hf_offer offers[EVENTS_MAX];
	static bool made[EVENTS_MAX];
	struct hf_err err;
	char attrs[1024];
	const struct hf_event_context context = { .boot_id = "01234567-89ab-cdef-0123-456789abcdef",
						  .release = "r1" };
	const struct hf_origin origin = { .boot = 1, .run = 1, .n = n, .producer = 'r' };
	const struct hf_event event = {
		.event_class = "pre_action_zone_entry",
		.captured_wall = { .ms = noon_ms },
		.captured_mono = { .us = 1000 },
		.camera_name = "gate",
		.clock = "synced",
		.state = HF_STATE_HEALTHY,
		.attrs = attrs,
	};

	HF_ASSERT(n < EVENTS_MAX);
	if (made[n])
		return &offers[n];
	(void)snprintf(
		attrs, sizeof attrs, "{\"n\":%llu,\"note\":\"%.*s\"}", ull(n), (int)(n * 97 % 311),
		"................................................................................"
		"................................................................................"
		"................................................................................"
		"................................................................................");
	if (hf_offer_make(&event, &context, &origin, &offers[n], &err) != HF_OK)
		HF_ASSERT(false);
	made[n] = true;
	return &offers[n];
}

void life_read(struct life *life)
{
	struct hf_err err;
	struct hf_line line;

	while (life->reader != NULL && life->model.complaint[0] == '\0' &&
	       hf_reader_next(life->reader, &line, NULL, NULL, &err) == HF_OK) {
		learn(&life->model, &line, true);
		if (line.local_seq > life->model.out_seq)
			life->model.out_seq = line.local_seq;
	}
}

static void publish(struct life *life)
{
	struct hf_watermark position;

	hf_outbox_position(life->outbox, &position);
	if (position.seq != 0)
		hf_watermark_publish(life->page, &position);
	life_read(life);
}

static bool open_outbox(struct life *life, bool new_boot)
{
	char boot_id[HF_BOOT_ID_BYTES];
	struct hf_watermark committed;
	struct hf_outbox_report report;
	struct hf_err err = { 0 };
	struct hf_err ignored;

	(void)snprintf(boot_id, sizeof boot_id, "01234567-89ab-cdef-0123-%012d", life->depth);
	if (new_boot &&
	    hf_watermark_create(explore_run_path(life), boot_id, 1, &life->page, &err) != HF_OK) {
		(void)fprintf(stderr, "watermark: %s\n", err.text);
		abort();
	}
	bool known = !new_boot && hf_watermark_read(life->page, &committed, &ignored) == HF_OK;
	struct hf_outbox_options options = {
		.device_id = "unit-7",
		.epoch = "00112233aabbccdd",
		.context = { .release = "r1" },
		.boot = 1 + (uint64_t)life->depth,
		.run = 1,
		.clock = &life->clock.clock,
		.clock_trust = life_trust,
		.committed = known ? &committed : NULL,
		.commit = life->world->ring_bytes != 0 ? HF_COMMIT_RING : HF_COMMIT_FILE,
		.ring_bytes = life->world->ring_bytes,
		.direct_bytes = life->world->direct_bytes,
	};
	memcpy(options.context.boot_id, boot_id, sizeof boot_id);
	if (hf_outbox_open(life->disk, &options, &life->outbox, &report, &err) != HF_OK) {
		life->outbox = NULL;
		complain(&life->model, "the outbox does not open: %.120s", err.text);
		return false;
	}
	publish(life);
	return true;
}

static void open_reader(struct life *life, uint64_t after_seq)
{
	const struct hf_reader_options options = {
		.disk = life->disk,
		.folder = HF_OUTBOX_FOLDER,
		.watermark = life->page,
		.after_seq = after_seq,
	};
	struct hf_err err;

	life->read_after = after_seq;
	if (hf_reader_open(&options, &life->reader, &err) != HF_OK)
		HF_ASSERT(false);
	life_read(life);
}

/* A number is given once. In trouble "later" is an answer too. */
static void take_answer(struct life *life, uint64_t event, const struct hf_outbox_result *result,
			const struct hf_err *err)
{
	struct model *model = &life->model;
	uint64_t *answered = &model->answered[event];

	if (result->code != HF_OK) {
		if (!model->trouble)
			complain(model, "event %llu is not taken: %.100s", ull(event), err->text);
		return;
	}
	if (*answered != 0 && *answered != result->local_seq)
		complain(model, "event %llu has two numbers, %llu and %llu", ull(event),
			 ull(*answered), ull(result->local_seq));
	*answered = result->local_seq;
}

static void check_handed_out(struct life *life, uint64_t event)
{
	struct model *model = &life->model;
	uint64_t seq = model->answered[event];
	const struct fact *fact = find_fact(model, seq);

	/* With a full disk it may be safe in the ring, and wait for a file to stand in. */
	if (!model->trouble && seq > life->read_after && (!is_fact(model, fact, seq) || !fact->out))
		complain(model, "event %llu was answered and %llu is not handed out", ull(event),
			 ull(seq));
}

/* As keeper does it: the answers are out before the day file shows the lines. Now and then it does
 * not get so far, and what is called next finds them owed. */
static void offer(struct life *life, const uint64_t *events, size_t count)
{
	struct model *model = &life->model;
	const struct hf_offer *offers[BATCH_MAX] = { NULL };
	struct hf_outbox_result results[BATCH_MAX] = { 0 };
	struct hf_err err = { 0 };

	HF_ASSERT(count <= BATCH_MAX);
	for (size_t i = 0; i < count; i++) {
		offers[i] = offer_of(events[i]);
		if (events[i] > model->offered)
			model->offered = events[i];
	}
	(void)!hf_outbox_store(life->outbox, offers, count, results, &err);
	for (size_t i = 0; i < count; i++)
		take_answer(life, events[i], &results[i], &err);
	if (model->offered % OWED_EVERY != 0) {
		(void)!hf_outbox_show(life->outbox, &err);
		publish(life);
		for (size_t i = 0; i < count; i++)
			if (results[i].code == HF_OK)
				check_handed_out(life, events[i]);
	}
	life->clock.mono_us += 1100000;
}

static void offer_new(struct life *life, size_t count)
{
	uint64_t events[BATCH_MAX];

	for (size_t i = 0; i < count; i++)
		events[i] = life->model.offered + 1 + i;
	offer(life, events, count);
}

static void store_cursor(struct life *life)
{
	struct hf_err err;

	life->model.cursor_tried = life->model.out_seq;
	if (hf_cursor_store(life->disk, HF_CURSOR_HUB, life->model.cursor_tried, &err) == HF_OK)
		life->model.cursor_stored = life->model.cursor_tried;
	else if (!life->model.trouble)
		complain(&life->model, "the cursor is not stored: %.100s", err.text);
}

static void retain(struct life *life)
{
	struct hf_retained removed;
	struct hf_files files;
	struct hf_err err = { 0 };

	/* As the uplink tells it: what was flushed, no more. Whole files may go, not the newest. */
	if (hf_files_list(life->disk, HF_OUTBOX_FOLDER, &files, &err) != HF_OK)
		HF_ASSERT(false);
	for (size_t i = 1; i < files.count; i++)
		if (files.list[i].first_seq > life->model.retained + 1 &&
		    files.list[i].first_seq <= life->model.cursor_stored + 1)
			life->model.retained = files.list[i].first_seq - 1;
	hf_files_free(&files);
	if (hf_outbox_retain(life->outbox, life->model.cursor_stored, 0,
			     hf_wall_now(&life->clock.clock), &removed, &err) != HF_OK &&
	    !life->model.trouble)
		complain(&life->model, "nothing is removed: %.100s", err.text);
}

static uint64_t highest(const struct hf_random *random)
{
	(void)random;
	return UINT64_MAX;
}

static void store_retry(struct life *life, bool failed)
{
	static const struct hf_random chance = { .next = highest };
	struct model *model = &life->model;
	struct hf_mono now = hf_mono_now(&life->clock.clock);
	struct hf_retry retry;
	struct hf_err err;

	hf_retry_init(&retry, 5000, 300000);
	for (uint64_t i = 0; failed && i < 1 + model->offered % 5; i++)
		hf_retry_failed(&retry, now, &chance, 0);
	hf_retry_text(&retry, now, model->retry_tried);
	if (hf_retry_save(&retry, life->disk, HF_RETRY_HUB, now, &err) == HF_OK)
		memcpy(model->retry_stored, model->retry_tried, sizeof model->retry_stored);
	else if (!model->trouble)
		complain(model, "the retry state is not stored: %.100s", err.text);
}

static void take_step(struct life *life, const struct step *step)
{
	uint64_t events[BATCH_MAX];

	switch (step->what) {
	case OFFER:
		offer_new(life, (size_t)step->n);
		break;
	case SINGLY:
		for (int64_t i = 0; i < step->n && life->model.complaint[0] == '\0'; i++)
			offer_new(life, 1);
		break;
	case AGAIN:
		for (int64_t i = 0; i < step->n; i++)
			events[i] = life->model.offered - (uint64_t)i;
		offer(life, events, (size_t)step->n);
		break;
	case CLOCK:
		life->clock.wall_ms += step->n * 3600 * 1000;
		break;
	case SYNCED:
		now_synced = life->model.synced = step->n != 0;
		break;
	case CURSOR:
		store_cursor(life);
		break;
	case RETAIN:
		retain(life);
		break;
	case FAILED:
	case REACHED:
		store_retry(life, step->what == FAILED);
		break;
	case REOPEN:
		hf_outbox_close(life->outbox);
		life->outbox = NULL;
		(void)open_outbox(life, false);
		break;
	case END:
		break;
	}
	life->model.wall_ms = life->clock.wall_ms;
}

static void close_life(struct life *life)
{
	hf_reader_close(life->reader);
	life->reader = NULL;
	hf_outbox_close(life->outbox);
	life->outbox = NULL;
	hf_watermark_close(life->page);
	life->page = NULL;
}

/* --- what must hold --- */

struct looking {
	struct life *life;
	uint64_t first_seq;
	uint64_t last_seq;
	size_t hole_count;
	uint64_t holes[HOLES_MAX][2]; /* numbers missing, not yet explained */
	size_t behind_count;
	uint64_t behind_hole[HOLES_MAX]; /* lines that came after one */
	uint64_t found[EVENTS_MAX];
	bool here[FACTS_MAX];
};

/* Numbers missing before this line wait for an event that says so. */
static void look_at_gap(struct looking *l, const struct hf_line *line)
{
	uint64_t from = 0, through = 0;
	size_t kept = 0;

	if (l->last_seq != 0 && line->local_seq > l->last_seq + 1) {
		HF_ASSERT(l->hole_count < HOLES_MAX && l->behind_count < HOLES_MAX);
		l->holes[l->hole_count][0] = l->last_seq + 1;
		l->holes[l->hole_count++][1] = line->local_seq - 1;
		l->behind_hole[l->behind_count++] = line->local_seq;
	}
	if (!hf_slice_is(&line->event_class, HF_CLASS_GAP) ||
	    !hf_attrs_u64(&line->attrs, "from", &from) ||
	    !hf_attrs_u64(&line->attrs, "through", &through))
		return;
	for (size_t i = 0; i < l->hole_count; i++)
		if (l->holes[i][0] < from || l->holes[i][1] > through)
			memmove(l->holes[kept++], l->holes[i], sizeof l->holes[i]);
	l->hole_count = kept;
}

static void look_at_line(struct looking *l, const struct hf_line *line)
{
	struct model *model = &l->life->model;
	struct hf_origin origin;
	struct hf_err ignored;
	char text[HF_ORIGIN_BYTES];
	uint64_t seq = line->local_seq;

	if (explore_is_verbose(l->life))
		(void)printf("    %llu %.*s %.*s\n", ull(seq), (int)line->event_class.size_bytes,
			     line->event_class.data, (int)line->attrs.size_bytes, line->attrs.data);
	if (seq <= l->last_seq)
		complain(model, "number %llu comes after %llu", ull(seq), ull(l->last_seq));
	look_at_gap(l, line);
	l->first_seq = l->first_seq == 0 ? seq : l->first_seq;
	l->last_seq = seq;
	learn(model, line, false);
	if (!hf_slice_text(&line->origin, text, sizeof text) ||
	    hf_origin_parse(text, &origin, &ignored) != HF_OK) {
		complain(model, "line %llu has no origin", ull(seq));
		return;
	}
	if (origin.producer != 'r' || origin.n >= EVENTS_MAX)
		return;
	if (l->found[origin.n] != 0)
		complain(model, "event %llu stands there twice, as %llu and %llu", ull(origin.n),
			 ull(l->found[origin.n]), ull(seq));
	l->found[origin.n] = seq;
	if (model->answered[origin.n] != 0 && model->answered[origin.n] != seq)
		complain(model, "event %llu was answered with %llu and stands there as %llu",
			 ull(origin.n), ull(model->answered[origin.n]), ull(seq));
}

/* Everything the uplink was handed is there, or was removed behind a cursor that is stored. */
static void look_for_losses(struct looking *l, const uint64_t *lines, size_t line_count)
{
	struct model *model = &l->life->model;
	uint64_t cursor = 0;
	struct hf_err ignored;
	size_t at = 0;

	if (hf_cursor_load(l->life->disk, HF_CURSOR_HUB, &cursor, &ignored) != HF_OK)
		cursor = 0;
	for (size_t i = 0; i < model->fact_count; i++) {
		const struct fact *fact = &model->facts[i];

		while (at < line_count && lines[at] < fact->seq)
			at++;
		if (!fact->out || (at < line_count && lines[at] == fact->seq))
			continue;
		if (fact->seq > model->retained)
			complain(model, "line %llu was handed out and is gone", ull(fact->seq));
		else if (fact->seq > cursor)
			complain(model, "line %llu was removed and the cursor is at %llu",
				 ull(fact->seq), ull(cursor));
	}
	for (uint64_t n = 1; n <= model->offered; n++)
		if (model->answered[n] != 0 && l->found[n] == 0 &&
		    model->answered[n] > model->retained)
			complain(model, "event %llu was answered with %llu and is gone", ull(n),
				 ull(model->answered[n]));
}

struct verifying {
	struct life *life;
	const struct looking *looking;
};

static bool is_behind_hole(const struct looking *l, uint64_t seq)
{
	for (size_t i = 0; i < l->behind_count; i++)
		if (l->behind_hole[i] == seq)
			return true;
	return false;
}

static void on_finding(void *context, const struct hf_finding *finding)
{
	const struct verifying *v = context;

	if (!hf_finding_is_problem(finding->kind))
		return;
	if (explore_is_verbose(v->life))
		(void)printf("    verify: %s %s@%llu: %s\n", hf_finding_name(finding->kind),
			     finding->file, ull(finding->offset), finding->text);
	/* A batch that was cut may lie there with its middle missing: nobody was told of any of
	 * it, an event tells of the numbers, and the chain cannot go on over what is not there.
	 * Lines that somebody was told of are looked for above. */
	if (finding->kind == HF_FINDING_LINE_DAMAGED ||
	    (finding->kind == HF_FINDING_CHAIN_BROKEN &&
	     (v->life->world->rots || is_behind_hole(v->looking, finding->local_seq))))
		return;
	complain(&v->life->model, "verify: %s: %.150s", hf_finding_name(finding->kind),
		 finding->text);
}

static void look(struct life *life)
{
	const struct hf_reader_options options = { .disk = life->disk, .folder = HF_OUTBOX_FOLDER };
	static uint64_t lines[FACTS_MAX];
	struct looking *l = calloc(1, sizeof *l);
	struct hf_reader *reader;
	struct hf_line line;
	struct hf_err err;
	size_t line_count = 0;

	HF_ASSERT(l != NULL);
	l->life = life;
	if (hf_reader_open(&options, &reader, &err) != HF_OK)
		HF_ASSERT(false);
	while (life->model.complaint[0] == '\0' && line_count < FACTS_MAX &&
	       hf_reader_next(reader, &line, NULL, NULL, &err) == HF_OK) {
		lines[line_count++] = line.local_seq;
		look_at_line(l, &line);
	}
	hf_reader_close(reader);
	if (l->hole_count != 0)
		complain(&life->model, "numbers %llu to %llu are missing and nothing says why",
			 ull(l->holes[0][0]), ull(l->holes[0][1]));
	look_for_losses(l, lines, line_count);

	struct verifying v = { .life = life, .looking = l };
	const struct hf_verify_options verify = { .disk = life->disk,
						  .folder = HF_OUTBOX_FOLDER,
						  .data = true,
						  .context = &v,
						  .finding = on_finding };
	struct hf_verify_report report;
	if (life->model.complaint[0] == '\0' && hf_verify(&verify, &report, &err) != HF_OK)
		complain(&life->model, "verify gives up: %.100s", err.text);
	free(l);
}

static void show_item(const struct hf_file *file, const struct hf_scan_item *item)
{
	static const char *const kinds[] = {
		[HF_SCAN_LINE] = "line",
		[HF_SCAN_ROT] = "damaged",
		[HF_SCAN_UNENDED] = "unended",
	};

	(void)printf("    %s@%llu+%zu %s", file->name, ull(item->offset), item->size_bytes,
		     kinds[item->kind]);
	if (item->kind == HF_SCAN_LINE)
		(void)printf(" %llu%s %.*s %.*s", ull(item->line.local_seq),
			     item->line.local_seq > file->last_seq_max ? " (void)" : "",
			     (int)item->line.event_class.size_bytes, item->line.event_class.data,
			     (int)item->line.attrs.size_bytes, item->line.attrs.data);
	(void)printf("\n");
}

/* What stands there before anybody repairs it: valid lines are not given to others, and what is
 * gone was acknowledged by a cursor that is there. */
static void look_before(struct life *life)
{
	struct model *model = &life->model;
	struct hf_files files = { 0 };
	struct hf_err err;
	struct hf_scan_item item;
	struct hf_scan *scan = malloc(sizeof *scan);
	uint64_t first_seq = 0, cursor = 0;

	HF_ASSERT(scan != NULL);
	if (hf_cursor_load(life->disk, HF_CURSOR_HUB, &cursor, &err) != HF_OK)
		cursor = 0;
	if (cursor < model->cursor_stored || cursor > model->cursor_tried)
		complain(model, "the cursor is %llu; stored was %llu", ull(cursor),
			 ull(model->cursor_stored));
	model->cursor_stored = model->cursor_tried = cursor;
	if (hf_files_list(life->disk, HF_OUTBOX_FOLDER, &files, &err) != HF_OK)
		files.count = 0;
	for (size_t i = 0; i < files.count; i++) {
		const struct hf_file *file = &files.list[i];
		char path[HF_DISK_PATH_BYTES];
		int handle;

		if (file->first_seq != 0 && first_seq == 0)
			first_seq = file->first_seq;
		hf_file_path(HF_OUTBOX_FOLDER, file->name, path);
		if (hf_disk_open(life->disk, path, HF_DISK_READ, &handle, &err) != HF_OK)
			continue;
		hf_scan_begin(scan, life->disk, handle, 0, UINT64_MAX);
		while (hf_scan_next(scan, &item, &err) == HF_OK) {
			if (explore_is_verbose(life))
				show_item(file, &item);
			if (item.kind == HF_SCAN_LINE && item.line.local_seq <= file->last_seq_max)
				learn(model, &item.line, false);
		}
		hf_disk_close(life->disk, handle);
	}
	for (size_t i = 0; i < model->fact_count && model->facts[i].seq < first_seq; i++)
		if (model->facts[i].out && model->facts[i].seq > cursor)
			complain(model, "line %llu was removed before the cursor (%llu) said so",
				 ull(model->facts[i].seq), ull(cursor));
	hf_files_free(&files);
	free(scan);
}

/* The line that is damaged may be gone; its number may not come back. */
static void lose_line(struct model *model, uint64_t seq)
{
	struct fact *fact = find_fact(model, seq);

	if (is_fact(model, fact, seq))
		fact->out = false;
	for (uint64_t n = 1; n <= model->offered; n++)
		if (model->answered[n] == seq)
			model->answered[n] = 0;
}

void life_rot(struct life *life)
{
	struct hf_files files = { 0 };
	struct hf_scan *scan = malloc(sizeof *scan);
	struct hf_scan_item item;
	struct hf_err err;
	char path[HF_DISK_PATH_BYTES];
	uint64_t bit = 0, seq = 0;
	int handle;

	HF_ASSERT(scan != NULL);
	if (hf_files_list(life->disk, HF_OUTBOX_FOLDER, &files, &err) == HF_OK && files.count > 0) {
		hf_file_path(HF_OUTBOX_FOLDER, files.list[files.count - 1].name, path);
		if (hf_disk_open(life->disk, path, HF_DISK_READ, &handle, &err) != HF_OK)
			HF_ASSERT(false);
		hf_scan_begin(scan, life->disk, handle, 0, UINT64_MAX);
		while (hf_scan_next(scan, &item, &err) == HF_OK) {
			if (item.kind != HF_SCAN_LINE)
				continue;
			seq = item.line.local_seq;
			bit = 8 * (item.offset + item.line.size_bytes / 2);
		}
		hf_disk_close(life->disk, handle);
	}
	if (seq != 0) {
		crash_disk_flip(life->disk, path, bit);
		lose_line(&life->model, seq);
	}
	hf_files_free(&files);
	free(scan);
}

static void look_at_retry(struct life *life)
{
	struct model *model = &life->model;
	struct hf_mono now = hf_mono_now(&life->clock.clock);
	char text[HF_RETRY_TEXT_BYTES];
	struct hf_retry retry;
	struct hf_err err = { 0 };

	hf_retry_init(&retry, 5000, 300000);
	enum hf_code code = hf_retry_load(&retry, life->disk, HF_RETRY_HUB, now, &err);
	hf_retry_text(&retry, now, text);
	bool none = model->retry_stored[0] == '\0' && retry.attempts == 0;
	if (code != HF_OK || !(none || strcmp(text, model->retry_stored) == 0 ||
			       strcmp(text, model->retry_tried) == 0))
		complain(model, "the retry state is neither the last nor the one before: %.80s",
			 code != HF_OK ? err.text : text);
	if (!none) {
		memcpy(model->retry_stored, text, sizeof text);
		memcpy(model->retry_tried, text, sizeof text);
	}
}

void life_resume(const struct life *life)
{
	now_synced = life->model.synced;
}

static void begin(struct life *life)
{
	life->clock = (struct life_clock){
		.clock = { .mono = life_mono, .wall = life_wall, .context = &life->clock },
		.wall_ms = life->model.wall_ms,
		.mono_us = 5000000
	};
	crash_disk_hook(life->disk,
			(struct crash_hook){ .operation = explore_operation, .context = life });
	life_resume(life);
}

void life_first(struct life *life)
{
	life->model.wall_ms = noon_ms;
	life->model.synced = true;
	begin(life);
	if (open_outbox(life, true)) {
		open_reader(life, 0);
		for (const struct step *step = life->world->script;
		     step->what != END && life->model.complaint[0] == '\0'; step++)
			take_step(life, step);
	}
	bool trouble = life->model.trouble;
	life->model.trouble = false;
	/* What was answered "later" is offered until it is taken. */
	for (uint64_t n = 1; n <= life->model.offered && life->model.complaint[0] == '\0'; n++)
		if (life->model.answered[n] == 0)
			offer(life, &n, 1);
	/* What is safe in the ring and found no file is in one after a start. */
	if (trouble && life->model.complaint[0] == '\0') {
		hf_outbox_close(life->outbox);
		life->outbox = NULL;
		(void)open_outbox(life, false);
	}
	life->model.trouble = trouble;
	close_life(life);
	if (life->model.complaint[0] == '\0')
		look(life);
}

/* All that was not answered is offered again, and the last that was: but for what was removed,
 * whose origins nobody remembers. */
static void offer_again(struct life *life)
{
	struct model *model = &life->model;
	uint64_t events[BATCH_MAX];
	size_t count = 0;

	for (uint64_t n = model->offered; n > 0 && count < 3; n--)
		if (model->answered[n] != 0 && model->answered[n] > model->retained)
			events[count++] = n;
	offer(life, events, count);
	count = 0;
	for (uint64_t n = 1; n <= model->offered && model->complaint[0] == '\0'; n++) {
		if (model->answered[n] == 0)
			events[count++] = n;
		if (count == BATCH_MAX) {
			offer(life, events, count);
			count = 0;
		}
	}
	if (count > 0 && model->complaint[0] == '\0')
		offer(life, events, count);
}

void life_again(struct life *life)
{
	struct model *model = &life->model;

	model->trouble = false;
	begin(life);
	look_before(life);
	look_at_retry(life);
	if (model->complaint[0] == '\0' && open_outbox(life, true)) {
		/* The uplink goes on behind its cursor: what came since it has twice. */
		open_reader(life, model->cursor_stored);
		offer_again(life);
		for (uint64_t i = 0; i < life->world->again && model->complaint[0] == '\0'; i++) {
			offer_new(life, 1 + i % 2);
			if (i == 0)
				store_cursor(life);
			if (i == 1)
				retain(life);
		}
		model->wall_ms = life->clock.wall_ms;
	}
	close_life(life);
	if (model->complaint[0] == '\0')
		look(life);
}
