/* SPDX-License-Identifier: Apache-2.0 */
#include "recovered.h"

#include "base/assert.h"
#include "outbox/files.h"
#include "outbox/reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	GAPS_MAX = 4096,
};

struct range {
	uint64_t from;
	uint64_t through;
};

/* What is only for the length of a look. */
struct look {
	struct recovered *recovered;
	struct load *load;
	uint8_t *times[KEEPER_HOST_PRODUCERS_MAX]; /* by event: how often it was found */
	size_t missing_count, told_count;
	struct range missing[GAPS_MAX];
	struct range told[GAPS_MAX];
};

void recovered_free(struct recovered *recovered)
{
	free(recovered->seen);
	*recovered = (struct recovered){ 0 };
}

void recovered_violation(struct recovered *recovered, const char *format, ...)
{
	size_t used = strlen(recovered->text);
	va_list arguments;

	recovered->violations++;
	if (used + 2 >= sizeof recovered->text)
		return;
	va_start(arguments, format);
	(void)vsnprintf(recovered->text + used, sizeof recovered->text - used - 1, format,
			arguments);
	va_end(arguments);
	strcat(recovered->text, "\n");
}

static void remember(struct recovered *r, const struct hf_line *line)
{
	if (line->local_seq >= r->room) {
		size_t room = 2 * (size_t)line->local_seq + 1024;

		r->seen = realloc(r->seen, room * sizeof *r->seen);
		HF_ASSERT(r->seen != NULL);
		memset(r->seen + r->room, 0, (room - r->room) * sizeof *r->seen);
		r->room = room;
	}
	if (line->local_seq > r->seq_max)
		r->seq_max = line->local_seq;
	struct recovered_line *seen = &r->seen[line->local_seq];
	if (seen->look != 0 && seen->crc32c != line->crc32c)
		recovered_violation(r, "number %llu is another line than before",
				    (unsigned long long)line->local_seq);
	*seen = (struct recovered_line){ .crc32c = line->crc32c, .look = r->looks };
}

static void look_at_event(struct look *look, const struct hf_line *line, const char *origin_text,
			  const struct hf_origin *origin)
{
	struct recovered *r = look->recovered;
	unsigned producer = 0;
	struct load_event *event = load_find(look->load, origin, &producer);

	if (event == NULL) {
		recovered_violation(r, "number %llu is of %s, which was never offered",
				    (unsigned long long)line->local_seq, origin_text);
		return;
	}
	uint8_t *times = &look->times[producer][origin->n];
	if (*times != 0)
		recovered_violation(r, "%s is there twice, the second time as %llu", origin_text,
				    (unsigned long long)line->local_seq);
	*times = 1;
	if (event->local_seq != 0 && event->local_seq != line->local_seq)
		recovered_violation(r, "%s was acknowledged as %llu and is %llu", origin_text,
				    (unsigned long long)event->local_seq,
				    (unsigned long long)line->local_seq);
	if (!load_same(look->load, producer, origin->n, line))
		recovered_violation(r, "number %llu does not say what was offered",
				    (unsigned long long)line->local_seq);
}

static void look_at_line(struct look *look, const struct hf_line *line,
			 const struct hf_passed *passed)
{
	struct recovered *r = look->recovered;
	char text[HF_ORIGIN_BYTES];
	struct hf_origin origin;
	struct range *told = &look->told[look->told_count];
	struct hf_err err;

	r->lines++;
	r->rot_events += hf_slice_is(&line->event_class, HF_CLASS_ROT);
	remember(r, line);
	/* Bytes that are no line may lie behind the committed end of a file that was spent; one
	 * that was a line before is missed as one. */
	r->damaged += passed->lines_bad;
	if (passed->gap_from != 0 && look->missing_count < GAPS_MAX)
		look->missing[look->missing_count++] =
			(struct range){ passed->gap_from, passed->gap_through };
	if (hf_slice_is(&line->event_class, HF_CLASS_GAP) && look->told_count < GAPS_MAX &&
	    hf_attrs_u64(&line->attrs, "from", &told->from) &&
	    hf_attrs_u64(&line->attrs, "through", &told->through))
		look->told_count++;
	if (!hf_slice_text(&line->origin, text, sizeof text) ||
	    hf_origin_parse(text, &origin, &err) != HF_OK)
		recovered_violation(r, "number %llu has no origin",
				    (unsigned long long)line->local_seq);
	else if (origin.producer != 'k')
		look_at_event(look, line, text, &origin);
}

static void judge_gaps(struct look *look)
{
	struct recovered *r = look->recovered;

	for (size_t i = 0; i < look->missing_count; i++) {
		const struct range *missing = &look->missing[i];

		for (uint64_t seq = missing->from; seq <= missing->through; seq++) {
			bool told = false;

			for (size_t k = 0; k < look->told_count && !told; k++)
				told = look->told[k].from <= seq && seq <= look->told[k].through;
			r->gap_numbers++;
			if (!told) {
				recovered_violation(r, "number %llu is missing without an event",
						    (unsigned long long)seq);
				break;
			}
		}
	}
	r->gap_events = look->told_count;
}

/* One violation a number, one line of text for those that follow one another. */
static void tell_ranges(struct recovered *r, const bool *bad, uint64_t seq_max, const char *what)
{
	for (uint64_t seq = 1; seq <= seq_max; seq++) {
		uint64_t from = seq;

		if (!bad[seq])
			continue;
		while (seq < seq_max && bad[seq + 1])
			seq++;
		recovered_violation(r, "numbers %llu to %llu %s", (unsigned long long)from,
				    (unsigned long long)seq, what);
		r->violations += seq - from;
	}
}

static void judge_events(struct look *look)
{
	struct recovered *r = look->recovered;
	bool *gone = calloc(look->load->seq_max + 1, sizeof *gone);

	HF_ASSERT(gone != NULL);
	for (unsigned i = 0; i < KEEPER_HOST_PRODUCERS_MAX; i++) {
		const struct load_producer *p = &look->load->producers[i];

		for (uint64_t n = 1; n <= p->offered; n++) {
			uint64_t seq = p->events[n].local_seq;

			if (seq == 0)
				continue;
			if (look->times[i][n] != 0)
				r->found++;
			else
				gone[seq] = true;
		}
		free(look->times[i]);
	}
	tell_ranges(r, gone, look->load->seq_max, "were acknowledged and their events are gone");
	free(gone);
}

static void judge_numbers(struct recovered *r)
{
	bool *gone = calloc(r->seq_max + 1, sizeof *gone);

	HF_ASSERT(gone != NULL);
	for (uint64_t seq = 1; seq <= r->seq_max; seq++)
		gone[seq] = r->seen[seq].look != 0 && r->seen[seq].look != r->looks;
	tell_ranges(r, gone, r->seq_max, "were there and are gone");
	free(gone);
}

static enum hf_code read_lines(struct look *look, const char *data_path, struct hf_err *err)
{
	struct hf_disk *disk;
	struct hf_reader *reader;
	struct hf_passed passed;
	struct hf_line line;
	enum hf_code code = hf_disk_real_open(data_path, &disk, err);

	if (code != HF_OK)
		return code;
	struct hf_reader_options options = { .disk = disk, .folder = HF_OUTBOX_FOLDER };
	code = hf_reader_open(&options, &reader, err);
	if (code == HF_OK) {
		while ((code = hf_reader_next(reader, &line, &passed, NULL, err)) == HF_OK)
			look_at_line(look, &line, &passed);
		hf_reader_close(reader);
	}
	hf_disk_real_close(disk);
	return code == HF_E_AGAIN ? HF_OK : code;
}

uint64_t recovered_look(struct recovered *r, struct load *load, const char *data_path)
{
	struct look *look = calloc(1, sizeof *look);
	uint64_t before = r->violations;
	struct hf_err err = { 0 };

	HF_ASSERT(look != NULL);
	look->recovered = r;
	look->load = load;
	r->looks++;
	r->lines = r->damaged = r->found = r->gap_numbers = r->gap_events = r->rot_events = 0;
	for (unsigned i = 0; i < KEEPER_HOST_PRODUCERS_MAX; i++) {
		look->times[i] = calloc(load->producers[i].offered + 1, 1);
		HF_ASSERT(look->times[i] != NULL);
	}
	if (read_lines(look, data_path, &err) != HF_OK)
		recovered_violation(r, "the outbox cannot be read: %s", err.text);
	judge_numbers(r);
	judge_gaps(look);
	judge_events(look);
	free(look);
	return r->violations - before;
}
