/* SPDX-License-Identifier: Apache-2.0 */
/*
 * failing_calls - the real keeper, and each of its calls to the disk failing once, thrice, or
 * from then on for a while.
 *
 * Method      For each call and way of failing (faults.c), and for FIRST = 1, 2, 3, ... until
 *             a run ends without reaching it: a new file system; keeper, and two producers
 *             that have COUNT events each; the calls FIRST.. fail. Everything must be
 *             taken in the end, by this keeper or, when it ended and said why, by the next
 *             one (the start of a keeper may fail). Then the power goes; everything
 *             acknowledged must be there after it, once (recovered.h). A file of the
 *             outbox whose flush failed must not be written, cut or flushed again.
 *
 *             Half of the runs have days that end every few milliseconds, so that the
 *             calls of a rotation are among those that fail.
 *
 * Usage       failing_calls KEEPER HOLDFAST FAULTS.so FAST_DAYS.so ring|file STEP [SEED]
 *             STEP 1: every FIRST; 7: every seventh, from chance
 *             exit 0 good, 1 not, 77 cannot be run here
 */
#include "base/auto.h"
#include "victim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum {
	EVENTS = 25, /* of each of two producers */
	FIRST_MAX = 400,
	COMPLETE_MS = 15000,
	WORKERS = 8, /* they wait most of the time: a new file is tried once a second */
	TMPFS_BYTES = 1 << 28,
};

static const struct plan {
	const char *call;
	const char *how;
	unsigned count;
	const char *also; /* one more failure, or NULL */
} plans[] = {
	{ "fdatasync", "EIO", 1, NULL },
	{ "fdatasync", "EIO", 3, NULL },
	{ "fdatasync", "ENOSPC", 1, NULL },
	{ "fsync", "EIO", 1, NULL },
	{ "fsync", "EIO", 2, NULL },
	{ "pwrite", "EIO", 1, NULL },
	{ "pwrite", "ENOSPC", 1, NULL },
	{ "pwrite", "ENOSPC", 3, NULL },
	{ "pwrite", "short", 1, NULL },
	/* The file cannot even be cut back to what is committed. */
	{ "pwrite", "ENOSPC", 1, "ftruncate:EIO:1:1" },
	{ "pwrite", "short", 1, "ftruncate:EIO:1:1" },
	{ "openat", "ENOSPC", 1, NULL },
	{ "openat", "EIO", 2, NULL },
	/* A new file after a failed flush fails, too, and cannot be removed. */
	{ "fdatasync", "EIO", 2, "unlinkat:EIO:1:50" },
	{ "renameat", "EIO", 1, NULL },
	{ "renameat", "ENOSPC", 2, NULL },
	{ "unlinkat", "EIO", 1, NULL },
	{ "fallocate", "ENOSPC", 1, NULL },
};

struct program {
	struct victim_program victim;
	const char *faults;
	const char *fast_days;
	enum victim_commit commit;
	unsigned step;
	unsigned workers;
	uint64_t seed;
	struct row *rows; /* one a plan, shared by the workers */
};

struct row {
	uint64_t runs;
	uint64_t hit;
	uint64_t ended; /* keeper ended and the next one went on */
	uint64_t later;
	uint64_t acknowledged;
	uint64_t found;
	uint64_t violations;
};

/* Everything in the end, by this keeper or the next. */
static void run_load(struct victim *v, const char *preload, struct row *row)
{
	struct hf_err err = { 0 };
	struct hf_exit how = { 0 };

	for (unsigned life = 0; life < 3; life++) {
		load_reconnect(&v->load, VICTIM_AGAIN);
		enum hf_code code = victim_spawn(v, life == 0 ? preload : "", &err);
		if (code == HF_OK)
			code = hf_spawn_start(&v->host.child, &err);
		if (code == HF_OK)
			code = load_complete(&v->load, &v->host, COMPLETE_MS, &err);
		if (code == HF_OK)
			return;
		/* An end may be seen as one of several errors of the sockets. */
		if (code == HF_E_AGAIN)
			break;
		row->ended++;
		if (keeper_host_wait(&v->host, &how, &err) != HF_OK || how.signal != 0 ||
		    victim_log_count(v, "keeper_failed", "\001") == 0)
			recovered_violation(&v->recovered,
					    "keeper ended without a word: exit %d, signal %d",
					    how.status, how.signal);
		keeper_host_kill(&v->host);
	}
	recovered_violation(&v->recovered, "keeper does not go on: %s", err.text);
}

/* ret_hit: the fault was reached. */
static enum hf_code run_one(struct program *program, const struct plan *plan, unsigned first,
			    struct row *row, bool *ret_hit, struct hf_err *err)
{
	char text[96], preload[512];
	struct victim *v;
	bool fast = first % 2 == 0;
	enum hf_code code =
		victim_make(&program->victim, MOUNTED_EXT4, program->commit, first, &v, err);

	if (code != HF_OK)
		return code;
	(void)snprintf(text, sizeof text, "%s:%s:%u:%u", plan->call, plan->how, first, plan->count);
	(void)snprintf(preload, sizeof preload, "%s%s%s", program->faults, fast ? ":" : "",
		       fast ? program->fast_days : "");
	(void)setenv("HOLDFAST_FAULT", text, 1);
	v->load.shape = (struct load_shape){ .producers = 2, .window = 3, .events_max = EVENTS };
	run_load(v, preload, row);
	(void)unsetenv("HOLDFAST_FAULT");
	*ret_hit = victim_log_count(v, "fault: ", "spent") > 0;
	uint64_t touched = victim_log_count(v, "fault: spent file", "\001");
	if (touched > 0)
		recovered_violation(&v->recovered,
				    "a file whose flush failed was touched %" PRIu64 " times",
				    touched);
	code = mounted_cut(&v->fs, false, err);
	victim_end(v);
	if (code == HF_OK)
		code = victim_power_up(v, err);
	if (code == HF_OK)
		(void)victim_recover(v);
	row->runs++;
	row->hit += *ret_hit;
	row->later += v->load.later;
	row->acknowledged += load_acknowledged(&v->load);
	row->found += v->recovered.found;
	row->violations += v->recovered.violations;
	if (v->recovered.violations > 0) {
		printf("  HOLDFAST_FAULT=%s%s:\n%s", text, fast ? ", fast days" : "",
		       v->recovered.text);
		victim_keep(v, &program->victim, "holdfast-failing-calls");
	}
	victim_free(v);
	return code;
}

static enum hf_code run_plan(struct program *program, size_t index, struct hf_err *err)
{
	uint64_t chance = program->seed + index;
	unsigned missed = 0;

	/* The number of calls differs a little from run to run: two that miss end it. */
	for (unsigned first = (unsigned)load_between(&chance, 1, program->step);
	     first < FIRST_MAX && missed < 2; first += program->step) {
		bool hit = false;
		enum hf_code code =
			run_one(program, &plans[index], first, &program->rows[index], &hit, err);

		if (code != HF_OK)
			return code;
		missed = hit ? 0 : missed + 1;
	}
	return HF_OK;
}

static int work(void *context, unsigned worker)
{
	struct program *program = context;
	struct hf_err err = { 0 };
	enum hf_code code = mounted_enter(TMPFS_BYTES, program->victim.folder, &err);

	if (code != HF_OK) {
		printf("skipped: failing calls need mounts: %s\n", err.text);
		return 77;
	}
	for (size_t i = worker; code == HF_OK && i < HF_ARRAY_LEN(plans); i += program->workers)
		code = run_plan(program, i, &err);
	mounted_leave(program->victim.folder);
	if (code == HF_OK)
		return 0;
	printf("  %s\n", err.text);
	return code == HF_E_NOENT || code == HF_E_DENIED ? 77 : 1;
}

int main(int argc, char **argv)
{
	struct program program = { .workers = WORKERS };
	uint64_t violations = 0, hit = 0;

	if (argc < 7)
		return 2;
	program.victim.keeper = argv[1];
	program.victim.holdfast = argv[2];
	program.faults = argv[3];
	program.fast_days = argv[4];
	program.commit = strcmp(argv[5], "file") == 0 ? VICTIM_FILE : VICTIM_RING;
	program.step = (unsigned)strtoul(argv[6], NULL, 10);
	program.seed = argc > 7 ? strtoull(argv[7], NULL, 10) : (uint64_t)time(NULL);
	program.rows = mmap(NULL, sizeof *program.rows * HF_ARRAY_LEN(plans),
			    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (program.step == 0 || program.rows == MAP_FAILED)
		return 2;
	(void)setenv("HOLDFAST_DAY_MS", "15", 1);
	victim_environment();
	int how = victim_workers(program.workers, work, &program);
	if (how == 77)
		return 77;
	printf("calls of keeper that fail (%s), one in %u of them, seed %" PRIu64 "\n", argv[5],
	       program.step, program.seed);
	printf("  %-9s %-6s %5s %-17s %5s %5s %6s %6s %12s %8s %10s\n", "call", "how", "times",
	       "also", "runs", "hit", "ended", "later", "acknowledged", "found", "violations");
	for (size_t i = 0; i < HF_ARRAY_LEN(plans); i++) {
		const struct row *row = &program.rows[i];

		printf("  %-9s %-6s %5u %-17s %5" PRIu64 " %5" PRIu64 " %6" PRIu64 " %6" PRIu64
		       " %12" PRIu64 " %8" PRIu64 " %10" PRIu64 "\n",
		       plans[i].call, plans[i].how, plans[i].count,
		       plans[i].also != NULL ? plans[i].also : "", row->runs, row->hit, row->ended,
		       row->later, row->acknowledged, row->found, row->violations);
		violations += row->violations;
		hit += row->hit;
	}
	if (hit == 0)
		printf("  no call failed: nothing was shown\n");
	return how != 0 || violations > 0 || hit == 0 ? 1 : 0;
}
