/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: an append that was answered is never lost and its number is never used
 * again, wherever the power goes.
 *
 * Method: the fake disk holds back what was not synced. One script (appends in
 * batches, offers made again, midnight, a restart) is run again and again, the
 * power cut at disk operation 1, 2, 3, ... until a run ends without a cut. At
 * each cut several seeds decide what survives of what was held back. Then
 * power up, maybe with a flipped bit, open again, maybe with another cut in
 * there, offer everything again that was not answered, and look. In some
 * worlds flushes fail or the disk is full for a while.
 *
 * What must hold is said by look() and, after it, by run(): see there.
 *
 * A failure prints what reproduces it: outbox_crash_test COMMIT WORLD CUT SEED. The
 * mutants at the end break one operation each; a world that does not notice is
 * not a test.
 */
#include "base/assert.h"
#include "fake_disk.h"
#include "outbox/commit_ring.h"
#include "outbox/files.h"
#include "outbox/scan.h"
#include "outbox/testing.h"

#include <stdlib.h>

enum {
	EVENTS = 24,
	SEQ_MAX = 400000,
	CUTS_MAX = 4,
	SNAPSHOTS_MAX = 64,
	HOLES_MAX = 64,
	SEEDS_SHORT = 12,
	MUTANT_SEEDS_FACTOR = 4,
	RING_BYTES = 64 * 1024,
	DIRECT_BYTES = 1500, /* batches of three and more */
};

enum world {
	WORLD_POWER, /* power cuts only */
	WORLD_FLUSH_FAILS,
	WORLD_DISK_FULL,
	WORLD_KILLED, /* the process dies, the kernel lives on: nothing is lost */
	WORLD_ROT,    /* a bit flips in the newest file while the power is off */
	WORLD_COUNT,
};

static const char *const world_names[WORLD_COUNT] = {
	[WORLD_POWER] = "power",
	[WORLD_FLUSH_FAILS] = "flush_fails",
	[WORLD_DISK_FULL] = "disk_full",
	[WORLD_KILLED] = "killed",
	[WORLD_ROT] = "rot",
};

static const char *const commit_names[] = {
	[HF_COMMIT_FILE] = "file",
	[HF_COMMIT_RING] = "ring",
};

enum mutant {
	MUTANT_NONE,
	MUTANT_NO_SYNC,        /* acknowledges before the flush */
	MUTANT_NO_FOLDER_SYNC, /* a new file's name is left to chance */
	MUTANT_SYNC_AGAIN,     /* retries a failed flush on the same descriptor */
	MUTANT_NO_GAP_NOTE,    /* cuts the tail without noting its numbers */
	MUTANT_COUNT,
};

/* And the world that must show it. */
static const struct {
	const char *name;
	enum world world;
} mutants[MUTANT_COUNT] = {
	[MUTANT_NO_SYNC] = { "acknowledges before the flush", WORLD_POWER },
	[MUTANT_NO_FOLDER_SYNC] = { "does not sync the folder", WORLD_POWER },
	[MUTANT_SYNC_AGAIN] = { "flushes again after a failed flush", WORLD_FLUSH_FAILS },
	[MUTANT_NO_GAP_NOTE] = { "cuts the tail before its numbers are noted", WORLD_ROT },
};

/* The disk the writer gets: the fake one, with one operation sabotaged. */
struct saboteur {
	struct hf_disk disk;
	struct hf_disk_ops ops;
	struct hf_disk *inner;
	enum mutant mutant;
};

/* What the world outside knows. */
struct model {
	struct saboteur saboteur;
	struct test_clock clock;
	struct hf_outbox_options options;
	enum world world;
	uint64_t chance;
	uint64_t answered[EVENTS + 1]; /* number of event n; 0: not answered */
	bool damaged;                  /* a bit was flipped: lines may be missing */
	uint64_t committed;            /* the watermark's number: what is above may be void */
	struct hf_watermark mark;
	uint32_t seen[SEQ_MAX]; /* CRC of the line that had this number; 0: none */
	size_t snapshot_count;
	struct snapshot {
		char name[HF_FILE_NAME_BYTES];
		size_t size;
		char *data;
	} snapshots[SNAPSHOTS_MAX];
	char complaint[256];
};

static uint64_t draw(struct model *m)
{
	uint64_t z = m->chance += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static struct hf_disk *inner_of(struct hf_disk *disk)
{
	return ((struct saboteur *)disk)->inner;
}

static enum hf_code s_open(struct hf_disk *disk, const char *path, enum hf_disk_how how,
			   int *ret_file, struct hf_err *err)
{
	return hf_disk_open(inner_of(disk), path, how, ret_file, err);
}

static void s_close(struct hf_disk *disk, int file)
{
	hf_disk_close(inner_of(disk), file);
}

static enum hf_code s_read(struct hf_disk *disk, int file, uint64_t offset, void *ret_data,
			   size_t size, size_t *ret_bytes, struct hf_err *err)
{
	return hf_disk_read(inner_of(disk), file, offset, ret_data, size, ret_bytes, err);
}

static enum hf_code s_write(struct hf_disk *disk, int file, uint64_t offset, const void *data,
			    size_t size, struct hf_err *err)
{
	return hf_disk_write(inner_of(disk), file, offset, data, size, err);
}

static enum hf_code s_sync(struct hf_disk *disk, int file, struct hf_err *err)
{
	enum mutant mutant = ((struct saboteur *)disk)->mutant;

	if (mutant == MUTANT_NO_SYNC)
		return HF_OK;
	enum hf_code code = hf_disk_sync(inner_of(disk), file, err);
	if (code != HF_OK && mutant == MUTANT_SYNC_AGAIN)
		code = hf_disk_sync(inner_of(disk), file, err);
	return code;
}

static enum hf_code s_truncate(struct hf_disk *disk, int file, uint64_t size, struct hf_err *err)
{
	return hf_disk_truncate(inner_of(disk), file, size, err);
}

static enum hf_code s_size(struct hf_disk *disk, int file, uint64_t *ret_bytes, struct hf_err *err)
{
	return hf_disk_size(inner_of(disk), file, ret_bytes, err);
}

static void s_forget(struct hf_disk *disk, int file)
{
	hf_disk_forget(inner_of(disk), file);
}

static enum hf_code s_rename(struct hf_disk *disk, const char *from, const char *to,
			     struct hf_err *err)
{
	if (((struct saboteur *)disk)->mutant == MUTANT_NO_GAP_NOTE &&
	    strcmp(to, "meta/outbox_gap") == 0)
		return HF_OK;
	return hf_disk_rename(inner_of(disk), from, to, err);
}

static enum hf_code s_unlink(struct hf_disk *disk, const char *path, struct hf_err *err)
{
	return hf_disk_unlink(inner_of(disk), path, err);
}

static enum hf_code s_folder_make(struct hf_disk *disk, const char *path, struct hf_err *err)
{
	struct hf_disk *inner = inner_of(disk);

	return inner->ops->folder_make(inner, path, err);
}

static enum hf_code s_folder_sync(struct hf_disk *disk, const char *path, struct hf_err *err)
{
	if (((struct saboteur *)disk)->mutant == MUTANT_NO_FOLDER_SYNC)
		return HF_OK;
	return hf_disk_folder_sync(inner_of(disk), path, err);
}

static enum hf_code s_list(struct hf_disk *disk, const char *path,
			   const struct hf_disk_lister *lister, struct hf_err *err)
{
	return hf_disk_list(inner_of(disk), path, lister, err);
}

static enum hf_code s_lock(struct hf_disk *disk, const char *path, int *ret_file,
			   struct hf_err *err)
{
	return hf_disk_lock(inner_of(disk), path, ret_file, err);
}

static enum hf_code s_free_space(struct hf_disk *disk, uint64_t *ret_bytes, struct hf_err *err)
{
	return hf_disk_free_space(inner_of(disk), ret_bytes, err);
}

static enum hf_code s_reserve(struct hf_disk *disk, int file, uint64_t offset, uint64_t size,
			      struct hf_err *err)
{
	return hf_disk_reserve(inner_of(disk), file, offset, size, err);
}

static enum hf_code s_links(struct hf_disk *disk, int file, uint64_t *ret_count, struct hf_err *err)
{
	return hf_disk_links(inner_of(disk), file, ret_count, err);
}

static uint64_t s_block_bytes(struct hf_disk *disk)
{
	return hf_disk_block_bytes(inner_of(disk));
}

static void saboteur_init(struct saboteur *s, struct hf_disk *inner, enum mutant mutant)
{
	s->ops = (struct hf_disk_ops){
		.open = s_open,
		.close = s_close,
		.read = s_read,
		.write = s_write,
		.sync = s_sync,
		.truncate = s_truncate,
		.size = s_size,
		.forget = s_forget,
		.rename = s_rename,
		.unlink = s_unlink,
		.folder_make = s_folder_make,
		.folder_sync = s_folder_sync,
		.list = s_list,
		.lock = s_lock,
		.free_space = s_free_space,
		.reserve = s_reserve,
		.links = s_links,
		.block_bytes = s_block_bytes,
	};
	s->disk.ops = &s->ops;
	s->inner = inner;
	s->mutant = mutant;
}

static void complain(struct model *m, const char *what, uint64_t a, uint64_t b)
{
	if (m->complaint[0] == '\0')
		(void)snprintf(m->complaint, sizeof m->complaint, "%s (%llu, %llu)", what,
			       (unsigned long long)a, (unsigned long long)b);
}

/* Bytes that were committed once must stand there for ever. */
static void check_snapshots(struct model *m)
{
	for (size_t i = 0; i < m->snapshot_count; i++) {
		const struct snapshot *s = &m->snapshots[i];
		char path[HF_DISK_PATH_BYTES];
		size_t size = 0;

		hf_file_path(HF_OUTBOX_FOLDER, s->name, path);
		const char *data = fake_disk_bytes(m->saboteur.inner, path, &size);
		if (data == NULL || size < s->size || memcmp(data, s->data, s->size) != 0)
			complain(m, "a file was changed below the watermark", i, s->size);
	}
}

static void take_snapshot(struct model *m, const struct hf_outbox *outbox)
{
	struct hf_watermark position;
	char path[HF_DISK_PATH_BYTES];
	struct snapshot *s = NULL;
	size_t size;

	hf_outbox_position(outbox, &position);
	m->committed = position.seq;
	m->mark = position;
	if (position.seq == 0 || m->damaged)
		return;
	for (size_t i = 0; i < m->snapshot_count; i++)
		if (strcmp(m->snapshots[i].name, position.file) == 0)
			s = &m->snapshots[i];
	if (s == NULL) {
		HF_ASSERT(m->snapshot_count < SNAPSHOTS_MAX);
		s = &m->snapshots[m->snapshot_count++];
		memcpy(s->name, position.file, sizeof s->name);
	}
	hf_file_path(HF_OUTBOX_FOLDER, position.file, path);
	const char *data = fake_disk_bytes(m->saboteur.inner, path, &size);
	if (data == NULL || size < position.offset) {
		complain(m, "the watermark is ahead of the file", position.offset, size);
		return;
	}
	free(s->data);
	s->size = (size_t)position.flushed;
	s->data = malloc(s->size + 1);
	HF_ASSERT(s->data != NULL);
	memcpy(s->data, data, s->size);
}

struct looking {
	uint64_t seq_last;
	size_t hole_count;
	uint64_t holes[HOLES_MAX][2]; /* numbers missing and not yet explained */
	bool rot_before;
	uint64_t found[EVENTS + 1];
};

/* Numbers missing before this line wait for a gap event, which may come a little later. */
static void look_at_gap(struct looking *l, const struct hf_line *line)
{
	uint64_t from = 0, through = 0;
	size_t kept = 0;

	if (line->local_seq > l->seq_last + 1 && !l->rot_before) {
		HF_ASSERT(l->hole_count < HOLES_MAX);
		l->holes[l->hole_count][0] = l->seq_last + 1;
		l->holes[l->hole_count++][1] = line->local_seq - 1;
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

static void look_at_line(struct model *m, struct looking *l, const struct hf_line *line)
{
	struct hf_origin origin;
	struct hf_err ignored;
	char text[HF_ORIGIN_BYTES];
	uint64_t seq = line->local_seq;

	/* Damage may hide where a file was said to end. */
	if (seq <= l->seq_last && m->damaged && (m->seen[seq] == 0 || m->seen[seq] == line->crc32c))
		return;
	if (seq <= l->seq_last)
		complain(m, "numbers do not rise", l->seq_last, seq);
	look_at_gap(l, line);
	l->seq_last = seq;
	l->rot_before = false;
	HF_ASSERT(seq < SEQ_MAX);
	if (m->seen[seq] != 0 && m->seen[seq] != line->crc32c)
		complain(m, "a number was given to two lines", seq, 0);
	m->seen[seq] = line->crc32c;
	if (!hf_slice_text(&line->origin, text, sizeof text) ||
	    hf_origin_parse(text, &origin, &ignored) != HF_OK) {
		complain(m, "an origin that is none", seq, 0);
		return;
	}
	if (origin.producer != 'r')
		return;
	HF_ASSERT(origin.n <= EVENTS);
	if (l->found[origin.n] != 0)
		complain(m, "one event stands there twice", origin.n, seq);
	l->found[origin.n] = seq;
	if (m->answered[origin.n] != 0 && m->answered[origin.n] != seq)
		complain(m, "an event has another number than its answer said", origin.n, seq);
}

static void look_at_file(struct model *m, struct looking *l, const struct hf_file *file,
			 struct hf_scan *scan)
{
	struct hf_err err;
	struct hf_scan_item item;
	char path[HF_DISK_PATH_BYTES];
	int handle;

	hf_file_path(HF_OUTBOX_FOLDER, file->name, path);
	if (hf_disk_open(m->saboteur.inner, path, HF_DISK_READ, &handle, &err) != HF_OK)
		return;
	hf_scan_begin(scan, m->saboteur.inner, handle, 0, UINT64_MAX);
	while (hf_scan_next(scan, &item, &err) == HF_OK) {
		if (item.kind != HF_SCAN_LINE)
			l->rot_before = true;
		else if (item.line.local_seq <= file->last_seq_max &&
			 item.line.local_seq <= m->committed)
			look_at_line(m, l, &item.line);
	}
	hf_disk_close(m->saboteur.inner, handle);
}

/* Safe, though no file shows it yet: a new one could not be opened so far. */
static bool in_ring(struct model *m, uint64_t seq)
{
	struct hf_commit_ring_lines lines = { 0 };
	struct hf_err err;

	if (hf_commit_ring_read(m->saboteur.inner, HF_OUTBOX_FOLDER, &lines, &err) != HF_OK)
		return false;
	bool found = hf_commit_ring_lines_find(&lines, seq) != NULL;
	hf_commit_ring_lines_free(&lines);
	return found;
}

/* Every answered event is there once, under its number; numbers rise, none is used twice,
 * none is missing without a word; committed bytes have not changed. */
static void look(struct model *m)
{
	struct hf_err err = { 0 };
	struct hf_files files = { 0 };
	struct looking l = { 0 };
	struct hf_scan *scan = malloc(sizeof *scan);

	HF_ASSERT(scan != NULL);
	if (hf_files_list(m->saboteur.inner, HF_OUTBOX_FOLDER, &files, &err) != HF_OK)
		complain(m, "the folder cannot be listed", 0, 0);
	for (size_t i = 0; i < files.count; i++)
		look_at_file(m, &l, &files.list[i], scan);
	/* After rot the word about it may be what was damaged. */
	if (l.hole_count != 0 && !m->damaged)
		complain(m, "numbers are missing and nothing says why", l.holes[0][0],
			 l.holes[0][1]);
	for (uint64_t n = 1; n <= EVENTS; n++)
		if (m->answered[n] != 0 && l.found[n] == 0 && !m->damaged &&
		    !in_ring(m, m->answered[n]))
			complain(m, "an answered event is gone", n, m->answered[n]);
	if (!m->damaged)
		check_snapshots(m);
	hf_files_free(&files);
	free(scan);
}

/* Offer from..through in one batch; what is answered is a promise. */
static void offer_batch(struct model *m, struct hf_outbox *outbox, uint64_t from, uint64_t through)
{
	struct hf_err err;
	struct hf_offer offers[4];
	const struct hf_offer *pointers[4] = { 0 };
	struct hf_outbox_result results[4];
	size_t count = 0;

	for (uint64_t n = from; n <= through && n <= EVENTS; n++) {
		offers[count] = test_offer(n);
		pointers[count] = &offers[count];
		count++;
	}
	(void)!hf_outbox_append(outbox, pointers, count, results, &err);
	for (size_t i = 0; i < count; i++) {
		uint64_t n = from + i;

		if (results[i].code != HF_OK)
			continue;
		if (results[i].local_seq == 0)
			complain(m, "an answer without a number", n, 0);
		/* After rot an event may be stored again, under a new number. */
		if (m->answered[n] != 0 && m->answered[n] != results[i].local_seq && !m->damaged)
			complain(m, "one event, two numbers", m->answered[n], results[i].local_seq);
		m->answered[n] = results[i].local_seq;
	}
	if (!fake_disk_is_off(m->saboteur.inner))
		take_snapshot(m, outbox);
}

static void trouble(struct model *m, uint64_t at)
{
	struct hf_disk *disk = m->saboteur.inner;

	if (m->world == WORLD_FLUSH_FAILS && at % 7 == 3)
		fake_disk_fail(disk, FAKE_DISK_SYNC, 1 + draw(m) % 3, 1 + draw(m) % 2, HF_E_IO);
	if (m->world == WORLD_DISK_FULL && at % 7 == 3)
		fake_disk_fail(disk, FAKE_DISK_WRITE, 1 + draw(m) % 3, 1 + draw(m) % 3,
			       HF_E_NOSPACE);
}

/* One life of the process. false: it ended before its time. */
static bool live(struct model *m, bool restart)
{
	struct hf_err err;
	struct hf_outbox *outbox;
	struct hf_outbox_report report;

	if (hf_outbox_open(&m->saboteur.disk, &m->options, &outbox, &report, &err) != HF_OK)
		return false;
	take_snapshot(m, outbox);
	for (uint64_t n = 1; n <= EVENTS; n += 1 + n % 4) {
		trouble(m, n);
		offer_batch(m, outbox, n, n + n % 4);
		m->clock.mono_us += 400000;
		if (n == 12)
			m->clock.wall_ms += INT64_C(86400000);
		if (n == 17 && restart) {
			hf_outbox_close(outbox);
			if (hf_outbox_open(&m->saboteur.disk, &m->options, &outbox, &report,
					   &err) != HF_OK)
				return false;
		}
		if (fake_disk_is_off(m->saboteur.inner))
			break;
	}
	hf_outbox_close(outbox);
	return !fake_disk_is_off(m->saboteur.inner);
}

/* One bit of the end of the newest file. */
static void rot(struct model *m)
{
	struct hf_err err;
	struct hf_files files;
	char path[HF_DISK_PATH_BYTES];
	size_t size;

	if (hf_files_list(m->saboteur.inner, HF_OUTBOX_FOLDER, &files, &err) != HF_OK)
		return;
	if (files.count > 0) {
		hf_file_path(HF_OUTBOX_FOLDER, files.list[files.count - 1].name, path);
		if (fake_disk_bytes(m->saboteur.inner, path, &size) != NULL && size > 0) {
			size_t back = 1 + (size_t)(draw(m) % (size < 1500 ? size : 1500));

			fake_disk_flip_bit(m->saboteur.inner, path,
					   8 * (size - back) + draw(m) % 8);
			m->damaged = true;
		}
	}
	hf_files_free(&files);
}

/* The next life begins. */
static void wake(struct model *m)
{
	struct hf_disk *disk = m->saboteur.inner;

	m->clock.mono_us += 5000000;
	if (m->world == WORLD_KILLED) {
		/* The same boot: the watermark is still true. */
		fake_disk_revive(disk);
		m->options.committed = m->mark.seq != 0 ? &m->mark : NULL;
		return;
	}
	fake_disk_power_up(disk, draw(m));
	if (m->world == WORLD_ROT)
		rot(m);
}

static bool run(enum hf_outbox_commit commit, enum world world, enum mutant mutant, uint64_t cut,
		uint64_t seed, char *ret_why, size_t why_bytes)
{
	struct model *m = calloc(1, sizeof *m);

	HF_ASSERT(m != NULL);
	m->world = world;
	m->chance = seed * 1000003 + cut;
	test_clock_start(&m->clock);
	m->options = test_options(&m->clock);
	m->options.commit = commit;
	m->options.ring_bytes = RING_BYTES;
	m->options.direct_bytes = DIRECT_BYTES;
	struct hf_disk *disk = fake_disk_new(seed);
	saboteur_init(&m->saboteur, disk, mutant);
	fake_disk_cut_at(disk, cut);
	bool whole = live(m, true);
	bool first_whole = whole && !fake_disk_is_off(disk);

	for (int cuts = 0; cuts < CUTS_MAX && m->complaint[0] == '\0'; cuts++) {
		wake(m);
		/* Everything is offered again; in most lives the power goes again, early. */
		if (draw(m) % 3 != 0)
			fake_disk_cut_at(disk, fake_disk_operations(disk) + 1 + draw(m) % 24);
		if (live(m, false)) {
			look(m);
			if (cuts > 0)
				break;
		}
	}
	if (m->complaint[0] == '\0') {
		m->world = world == WORLD_KILLED ? world : WORLD_POWER;
		wake(m);
		if (!live(m, false))
			complain(m, "the outbox does not open", 0, 0);
		look(m);
		for (uint64_t n = 1; n <= EVENTS; n++)
			if (m->answered[n] == 0)
				complain(m, "an event is never taken", n, 0);
	}
	(void)snprintf(ret_why, why_bytes, "%s", m->complaint);
	for (size_t i = 0; i < m->snapshot_count; i++)
		free(m->snapshots[i].data);
	fake_disk_free(disk);
	free(m);
	return first_whole;
}

/* All cuts of a world, a number of seeds each. The count of runs that found something. */
static uint64_t explore(enum hf_outbox_commit commit, enum world world, enum mutant mutant,
			uint64_t seeds, bool show, uint64_t *ret_runs, uint64_t *ret_cuts)
{
	uint64_t found = 0;
	bool whole = false;

	*ret_runs = 0;
	for (*ret_cuts = 1; !whole; ++*ret_cuts) {
		whole = true;
		for (uint64_t seed = 1; seed <= seeds; seed++) {
			char why[256];

			whole = run(commit, world, mutant, *ret_cuts, seed, why, sizeof why) &&
				whole;
			++*ret_runs;
			if (why[0] == '\0')
				continue;
			found++;
			if (show)
				(void)fprintf(stderr, "outbox_crash_test %s %s %llu %llu: %s\n",
					      commit_names[commit], world_names[world],
					      (unsigned long long)*ret_cuts,
					      (unsigned long long)seed, why);
			if (mutant != MUTANT_NONE)
				return found;
		}
	}
	return found;
}

static int explore_all(uint64_t seeds)
{
	uint64_t runs, cuts, found = 0;

	for (int i = 0; i < 2 * WORLD_COUNT; i++) {
		enum hf_outbox_commit commit = i < WORLD_COUNT ? HF_COMMIT_FILE : HF_COMMIT_RING;
		enum world world = (enum world)(i % WORLD_COUNT);
		uint64_t here = explore(commit, world, MUTANT_NONE, seeds, true, &runs, &cuts);

		found += here;
		(void)printf(
			"%s %-12s %4llu cut points x %llu seeds = %6llu runs, %llu violations\n",
			commit_names[commit], world_names[world], (unsigned long long)cuts - 1,
			(unsigned long long)seeds, (unsigned long long)runs,
			(unsigned long long)here);
	}
	for (enum mutant mutant = MUTANT_NONE + 1; mutant < MUTANT_COUNT; mutant++) {
		/* It ends with the first catch, so it may look longer than the worlds above. */
		uint64_t caught = explore(HF_COMMIT_FILE, mutants[mutant].world, mutant,
					  MUTANT_SEEDS_FACTOR * seeds, false, &runs, &cuts);

		(void)printf("mutant that %s: %s after %llu runs\n", mutants[mutant].name,
			     caught > 0 ? "caught" : "NOT CAUGHT", (unsigned long long)runs);
		found += caught == 0;
	}
	return found == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	if (argc == 5) {
		for (int i = 0; i < 2 * WORLD_COUNT; i++) {
			enum hf_outbox_commit commit =
				i < WORLD_COUNT ? HF_COMMIT_FILE : HF_COMMIT_RING;
			enum world world = (enum world)(i % WORLD_COUNT);
			char why[256];

			if (strcmp(argv[1], commit_names[commit]) != 0 ||
			    strcmp(argv[2], world_names[world]) != 0)
				continue;
			(void)run(commit, world, MUTANT_NONE, strtoull(argv[3], NULL, 10),
				  strtoull(argv[4], NULL, 10), why, sizeof why);
			(void)printf("%s\n", why[0] == '\0' ? "nothing found" : why);
			return why[0] == '\0' ? EXIT_SUCCESS : EXIT_FAILURE;
		}
		(void)fprintf(stderr,
			      "file or ring, then: power, flush_fails, disk_full, killed, rot\n");
		return 2;
	}
	return explore_all(argc == 2 ? strtoull(argv[1], NULL, 10) : SEEDS_SHORT);
}
