/* SPDX-License-Identifier: Apache-2.0 */
/*
 * power_cut - the real keeper under load on real file systems that lose their power.
 *
 * Method      ext4, ext4 with fast_commit and XFS on a loop device, keeper with up to 16
 *             producers, batches from one small event to 128 large ones, days that end
 *             every few milliseconds in some lives. At a moment that chance names, counted
 *             in acknowledgements or in time since the start (so also in the middle of a
 *             recovery), the file system is shut down; keeper is killed; the journal is
 *             replayed by the next mount. Only what was acknowledged before the shutdown
 *             counts, and it is remembered here, not there. Some cuts follow one another
 *             without a look in between.
 *             Then keeper starts once more, is offered again what it did not answer and
 *             some of what it did, ends, and the outbox is looked at (recovered.h) and
 *             by `holdfast outbox verify`.
 *
 *             An acknowledgement that arrives after the shutdown (column "late", and
 *             how many of those events got another number) is not counted: with the power
 *             really gone nobody would have heard it. ext4 lets an fdatasync that meets the
 *             shutdown succeed and may keep nothing of it, most of all with fast_commit.
 *             A file system that cannot be mounted again fails the test: its image is kept.
 *             Of ext4 with fast_commit that is a known fault of the kernel, which no flush
 *             prevents (fast_commit.c); here its area is so large that it does not fill.
 *
 * Honesty     The moment of a cut is a real one: a seed repeats the plan of a chain of
 *             cuts, not its outcome to the microsecond. A chain ends with its first
 *             violation; the image, what each cut since the last good look had left of
 *             it, keeper's log, and in words what was missed and what each start found
 *             are kept. At the end the same is run with a keeper whose fdatasync does
 *             nothing: that must be caught, or the test fails.
 *
 * Usage       power_cut KEEPER HOLDFAST NO_SYNC.so FAST_DAYS.so CUTS [SEED [ROW]]
 *             ROW: all cuts in one row of the table, by its two names: "ext4/ring"
 *             exit 0 good, 1 not, 77 cannot be run here
 */
#include "victim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	KINDS = MOUNTED_XFS + 1,
	CHAIN_CUTS = 8, /* on one file system */
	LIFE_MAX_US = 400000,
	SABOTAGE_CUTS = 24,
	TMPFS_BYTES = 1 << 30,
};

struct program {
	struct victim_program victim;
	const char *no_sync;
	const char *fast_days;
	const char *row; /* NULL: all */
};

/* A row of the table. */
struct row {
	enum mounted_kind kind;
	enum victim_commit commit;
	bool sabotaged;
	uint64_t cuts;
	uint64_t acknowledged;
	uint64_t found;
	uint64_t late; /* told after the cut, as nobody would hear it */
	uint64_t late_lost;
	uint64_t in_doubt;
	uint64_t torn;
	uint64_t gaps;
	uint64_t violations;
	uint64_t seed_bad;
};

static int64_t now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void draw_shape(struct victim *v)
{
	struct load_shape *shape = &v->load.shape;

	shape->producers =
		(unsigned[]){ 1, 1, 4, KEEPER_HOST_PRODUCERS_MAX }[load_between(&v->chance, 0, 3)];
	unsigned window_max = LOAD_IN_HAND / shape->producers;
	shape->window = (unsigned)load_between(&v->chance, 1, window_max > 64 ? 64 : window_max);
	if (load_between(&v->chance, 0, 3) == 0)
		shape->window = 1;
}

/* From a start to the loss of the power. */
static enum hf_code live_and_cut(struct victim *v, const struct program *program, struct row *row,
				 struct hf_err *err)
{
	char preload[512];

	bool by_time = load_between(&v->chance, 0, 2) == 0;
	bool flush_log = load_between(&v->chance, 0, 4) == 0;
	bool fast_days = load_between(&v->chance, 0, 1) == 0;
	int64_t until = (int64_t)load_between(&v->chance, 0, by_time ? 40000 : 0);
	uint64_t acks = load_between(&v->chance, 1, 800);

	draw_shape(v);
	load_reconnect(&v->load, VICTIM_AGAIN);
	acks += v->load.acks;
	until = now_us() + (by_time ? until : LIFE_MAX_US);
	(void)snprintf(preload, sizeof preload, "%s%s%s", row->sabotaged ? program->no_sync : "",
		       row->sabotaged && fast_days ? ":" : "", fast_days ? program->fast_days : "");
	enum hf_code code = victim_spawn(v, preload, err);
	if (code == HF_OK)
		code = hf_spawn_start(&v->host.child, err);
	while (code == HF_OK) {
		code = load_send(&v->load, &v->host, err);
		if (code != HF_OK)
			break;
		int64_t left = until - now_us();
		load_wait(&v->load, &v->host, left > 0 ? left : 0);
		code = load_take(&v->load, &v->host, false, err);
		if (now_us() >= until || (!by_time && v->load.acks >= acks))
			break;
	}
	if (code != HF_OK) {
		(void)hf_err_prefix(err, "keeper before the cut");
		return code;
	}
	code = mounted_cut(&v->fs, flush_log, err);
	victim_end(v);
	row->cuts++;
	return code;
}

/* cuts cuts on one file system. HF_E_NOENT, HF_E_DENIED: not on this machine. */
static enum hf_code run_chain(struct program *program, struct row *row, uint64_t seed,
			      uint64_t cuts, struct hf_err *err)
{
	struct victim *v;
	enum hf_code code = victim_make(&program->victim, row->kind, row->commit, seed, &v, err);

	if (code != HF_OK)
		return code;
	for (uint64_t cut = 1; code == HF_OK && cut <= cuts; cut++) {
		code = live_and_cut(v, program, row, err);
		if (code == HF_OK)
			code = victim_power_up(v, err);
		/* The cuts since the look before are what a person wants to see, and no more. */
		if (code == HF_OK && (cut == cuts || load_between(&v->chance, 0, 2) > 0) &&
		    !victim_recover(v))
			break;
	}
	/* With flushes that do nothing, that is not what is to be caught. */
	if (code != HF_OK && !row->sabotaged) {
		recovered_violation(&v->recovered, "%s", err->text);
		code = HF_OK;
	}
	if (v->recovered.violations > 0 && row->seed_bad == 0)
		row->seed_bad = seed;
	row->acknowledged += load_acknowledged(&v->load);
	row->found += v->recovered.found;
	row->late += v->load.late;
	row->late_lost += v->load.late_lost;
	row->in_doubt += v->in_doubt;
	row->torn += victim_log_count(v, "torn_bytes=", "0 ");
	row->gaps += v->recovered.gap_events;
	row->violations += v->recovered.violations;
	if (v->recovered.violations > 0 && !row->sabotaged) {
		printf("  seed %" PRIu64 ", %s, %s:\n%s", seed, mounted_name(row->kind),
		       victim_commit_name(row->commit), v->recovered.text);
		victim_keep(v, &program->victim, "holdfast-power-cut");
	}
	victim_free(v);
	return code;
}

static void print_row(const struct row *row)
{
	char late[48];

	(void)snprintf(late, sizeof late, "%" PRIu64 ":%" PRIu64, row->late, row->late_lost);
	printf("  %-17s %-6s %5" PRIu64 " %12" PRIu64 " %8" PRIu64 " %8" PRIu64 " %10s %5" PRIu64
	       " %5" PRIu64 " %10" PRIu64,
	       mounted_name(row->kind), victim_commit_name(row->commit), row->cuts,
	       row->acknowledged, row->found, row->in_doubt, late, row->torn, row->gaps,
	       row->violations);
	if (row->sabotaged)
		printf("  (flushes that do nothing: must be caught)");
	else if (row->violations > 0)
		printf("  seed %" PRIu64, row->seed_bad);
	printf("\n");
	(void)fflush(stdout);
}

/* 0 good, 1 not, 77 not here. */
static int run_row(struct program *program, struct row *row, uint64_t seed, uint64_t cuts)
{
	struct hf_err err = { 0 };
	uint64_t most = row->sabotaged ? SABOTAGE_CUTS : cuts;

	while (row->cuts < most && !(row->sabotaged && row->violations > 0)) {
		uint64_t left = most - row->cuts;
		enum hf_code code = run_chain(program, row, seed++,
					      left < CHAIN_CUTS ? left : CHAIN_CUTS, &err);

		if (code == HF_E_NOENT || code == HF_E_DENIED) {
			printf("  %-17s skipped: %s\n", mounted_name(row->kind), err.text);
			return 77;
		}
		if (code != HF_OK) {
			printf("  %-17s seed %" PRIu64 ": %s\n", mounted_name(row->kind), seed - 1,
			       err.text);
			return 1;
		}
	}
	print_row(row);
	return (row->violations > 0) == row->sabotaged ? 0 : 1;
}

static bool named(const struct row *row, const char *name)
{
	char text[48];

	(void)snprintf(text, sizeof text, "%s/%s", mounted_name(row->kind),
		       victim_commit_name(row->commit));
	return strcmp(text, name) == 0;
}

int main(int argc, char **argv)
{
	struct program program = { 0 };
	struct hf_err err = { 0 };
	unsigned bad = 0, ran = 0, rows = 0;

	if (argc < 6)
		return 2;
	program.victim.keeper = argv[1];
	program.victim.holdfast = argv[2];
	program.no_sync = argv[3];
	program.fast_days = argv[4];
	program.row = argc > 7 ? argv[7] : NULL;
	program.victim.keep_cuts = true;
	uint64_t cuts = strtoull(argv[5], NULL, 10);
	uint64_t seed = argc > 6 ? strtoull(argv[6], NULL, 10) : (uint64_t)time(NULL);
	(void)setenv("HOLDFAST_DAY_MS", "25", 1);
	victim_environment();
	if (mounted_enter(TMPFS_BYTES, program.victim.folder, &err) != HF_OK) {
		printf("skipped: power cuts need mounts: %s\n", err.text);
		return 77;
	}
	printf("power cuts, seed %" PRIu64 "\n", seed);
	printf("  %-17s %-6s %5s %12s %8s %8s %10s %5s %5s %10s\n", "file system", "commit", "cuts",
	       "acknowledged", "found", "in doubt", "late:lost", "torn", "gaps", "violations");
	for (unsigned i = 0; i < KINDS * VICTIM_COMMITS; i++) {
		struct row row = { .kind = (enum mounted_kind)(i / VICTIM_COMMITS),
				   .commit = (enum victim_commit)(i % VICTIM_COMMITS) };
		if (program.row != NULL && !named(&row, program.row))
			continue;
		rows++;
		int how = run_row(&program, &row, seed + i * 100000,
				  program.row != NULL ? cuts : cuts / (KINDS * VICTIM_COMMITS) + 1);

		bad += how == 1;
		ran += how != 77;
	}
	for (unsigned i = 0; ran > 0 && program.row == NULL && i < VICTIM_EITHER; i++) {
		struct row row = { .kind = MOUNTED_EXT4,
				   .commit = (enum victim_commit)i,
				   .sabotaged = true };

		bad += run_row(&program, &row, seed, cuts) == 1;
	}
	mounted_leave(program.victim.folder);
	if (rows == 0)
		printf("there is no row \"%s\"\n", program.row);
	return rows == 0 ? 2 : ran == 0 ? 77 : bad > 0 ? 1 : 0;
}
