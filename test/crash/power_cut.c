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
 *             really gone nobody would have heard it. ext4 with fast_commit lets an
 *             fdatasync that meets the shutdown succeed and may keep nothing of it.
 *
 * Honesty     The moment of a cut is a real one: a seed repeats the plan of a chain of
 *             cuts, not its outcome to the microsecond. Of a chain with a violation the
 *             image and keeper's log are kept. At the end the same is run with a keeper
 *             whose fdatasync does nothing: that must be caught, or the test fails.
 *
 * Usage       power_cut KEEPER HOLDFAST NO_SYNC.so FAST_DAYS.so CUTS [SEED]
 *             exit 0 good, 1 not, 77 cannot be run here
 */
#include "base/auto.h"
#include "mounted.h"
#include "recovered.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum {
	CHAIN_CUTS = 8, /* on one file system */
	LIFE_MAX_US = 400000,
	AGAIN = 8, /* of what was answered, each producer offers so many again */
	SETTLE_MS = 20000,
	SABOTAGE_CUTS = 24,
	TMPFS_BYTES = 1 << 30,
};

struct program {
	const char *keeper;
	const char *holdfast;
	const char *no_sync;
	const char *fast_days;
	char folder[128]; /* tmpfs */
	unsigned kept;    /* images of chains with a violation */
};

/* A row of the table. */
struct row {
	enum mounted_kind kind;
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

/* One file system from its making to its end. */
struct chain {
	const struct program *program;
	struct row *row;
	uint64_t seed;
	uint64_t chance;
	unsigned lives;
	int log_fd;
	struct mounted fs;
	struct load load;
	struct recovered recovered;
	struct keeper_host host;
};

static int64_t now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static enum hf_code spawn_keeper(struct chain *c, bool fast_days, struct hf_err *err)
{
	char data[192], run[192], boot_id[HF_BOOT_ID_BYTES], preload[512];
	const struct program *program = c->program;
	struct keeper_host_options options = {
		.executable = program->keeper,
		.data_path = data,
		.run_path = run,
		.device_id = "unit-7",
		.boot_id = boot_id,
		.boot = 3 + c->lives,
		.run = 1,
		.producers = KEEPER_HOST_PRODUCERS_MAX,
		.stderr_fd = c->log_fd,
	};

	c->lives++;
	(void)snprintf(data, sizeof data, "%s/data", c->fs.path);
	(void)snprintf(run, sizeof run, "%s/run.%u", program->folder, c->lives % 2);
	(void)snprintf(boot_id, sizeof boot_id, "01234567-89ab-cdef-0123-%012x", c->lives);
	if ((mkdir(data, 0700) != 0 && errno != EEXIST) ||
	    (mkdir(run, 0700) != 0 && errno != EEXIST))
		return hf_fail_errno(err, "make %s", data);
	(void)snprintf(preload, sizeof preload, "%s%s%s", c->row->sabotaged ? program->no_sync : "",
		       c->row->sabotaged && fast_days ? ":" : "",
		       fast_days ? program->fast_days : "");
	if (preload[0] != '\0')
		(void)setenv("LD_PRELOAD", preload, 1);
	enum hf_code code = keeper_host_spawn(&options, &c->host, err);
	(void)unsetenv("LD_PRELOAD");
	return code;
}

/* What it says once the power is off it may have known before. */
static void end_life(struct chain *c)
{
	struct pollfd wait = { .fd = c->host.child.pidfd, .events = POLLIN };
	struct hf_err ignored;

	hf_child_kill(&c->host.child);
	(void)poll(&wait, 1, KEEPER_HOST_WAIT_MS);
	(void)!load_take(&c->load, &c->host, true, &ignored);
	keeper_host_kill(&c->host);
}

static void draw_shape(struct chain *c)
{
	struct load_shape *shape = &c->load.shape;

	shape->producers =
		(unsigned[]){ 1, 1, 4, KEEPER_HOST_PRODUCERS_MAX }[load_between(&c->chance, 0, 3)];
	unsigned window_max = LOAD_IN_HAND / shape->producers;
	shape->window = (unsigned)load_between(&c->chance, 1, window_max > 64 ? 64 : window_max);
	if (load_between(&c->chance, 0, 3) == 0)
		shape->window = 1;
}

/* From a start to the loss of the power. */
static enum hf_code live_and_cut(struct chain *c, struct hf_err *err)
{
	bool by_time = load_between(&c->chance, 0, 2) == 0;
	bool flush_log = load_between(&c->chance, 0, 4) == 0;
	bool fast_days = load_between(&c->chance, 0, 1) == 0;
	int64_t until = (int64_t)load_between(&c->chance, 0, by_time ? 40000 : 0);
	uint64_t acks = load_between(&c->chance, 1, 800);

	draw_shape(c);
	load_reconnect(&c->load, AGAIN);
	acks += c->load.acks;
	until = now_us() + (by_time ? until : LIFE_MAX_US);
	enum hf_code code = spawn_keeper(c, fast_days, err);
	if (code == HF_OK)
		code = hf_spawn_start(&c->host.child, err);
	while (code == HF_OK) {
		code = load_send(&c->load, &c->host, err);
		if (code != HF_OK)
			break;
		int64_t left = until - now_us();
		load_wait(&c->load, &c->host, left > 0 ? left : 0);
		code = load_take(&c->load, &c->host, false, err);
		if (now_us() >= until || (!by_time && c->load.acks >= acks))
			break;
	}
	if (code != HF_OK) {
		(void)hf_err_prefix(err, "keeper before the cut");
		return code;
	}
	code = mounted_cut(&c->fs, flush_log, err);
	end_life(c);
	c->row->cuts++;
	return code;
}

static enum hf_code power_up(struct chain *c, struct hf_err *err)
{
	char run[192];
	enum hf_code code = mounted_detach(&c->fs, err);

	if (code == HF_OK)
		code = mounted_attach(&c->fs, err);
	/* A tmpfs in the field: nothing of it is left. */
	for (unsigned i = 0; i < 2; i++) {
		(void)snprintf(run, sizeof run, "rm -rf %s/run.%u", c->program->folder, i);
		const char *const argv[] = { "sh", "-c", run, NULL };
		int status;

		if (code == HF_OK)
			code = mounted_run(argv, NULL, &status, err);
	}
	return code;
}

static void verify(struct chain *c, const char *data)
{
	char out[192], text[600] = "";
	const char *const argv[] = { c->program->holdfast, "outbox", "verify", data, NULL };
	struct hf_err err;
	int status = -1;

	(void)snprintf(out, sizeof out, "%s/verify", c->program->folder);
	if (mounted_run(argv, out, &status, &err) != HF_OK) {
		recovered_violation(&c->recovered, "%s", err.text);
		return;
	}
	if (status == 0)
		return;
	FILE *file = fopen(out, "re");
	if (file != NULL) {
		text[fread(text, 1, sizeof text - 1, file)] = '\0';
		(void)fclose(file);
	}
	recovered_violation(&c->recovered, "holdfast outbox verify: exit %d\n%s", status, text);
}

/* Start once more, answer everything, end, look. */
static void recover_and_look(struct chain *c)
{
	char data[192];
	struct hf_err err = { 0 };
	struct hf_exit how = { 0 };
	uint64_t before = c->recovered.violations;

	(void)snprintf(data, sizeof data, "%s/data", c->fs.path);
	load_reconnect(&c->load, AGAIN);
	c->row->in_doubt += load_in_doubt(&c->load);
	enum hf_code code = spawn_keeper(c, false, &err);
	if (code == HF_OK)
		code = keeper_host_ready(&c->host, &err);
	if (code == HF_OK)
		code = load_settle(&c->load, &c->host, SETTLE_MS, &err);
	if (code == HF_OK)
		code = keeper_host_stop(&c->host, &how, &err);
	if (code != HF_OK || how.signal != 0 || how.status != 0)
		recovered_violation(&c->recovered, "keeper after the cut: %s (exit %d, signal %d)",
				    code != HF_OK ? err.text : "it failed", how.status, how.signal);
	keeper_host_kill(&c->host);
	(void)recovered_look(&c->recovered, &c->load, data);
	verify(c, data);
	if (c->load.wrong_again > 0)
		recovered_violation(&c->recovered,
				    "%" PRIu64 " re-offers were answered with another number: %s",
				    c->load.wrong_again, c->load.wrong);
	c->load.wrong_again = 0;
	if (c->recovered.violations != before && c->row->seed_bad == 0)
		c->row->seed_bad = c->seed;
}

static uint64_t count_in_log(const struct chain *c, const char *what, const char *not_followed_by)
{
	char line[1024];
	uint64_t count = 0;
	int fd = dup(c->log_fd);
	FILE *file = fd >= 0 ? fdopen(fd, "r") : NULL;

	if (file == NULL)
		return 0;
	rewind(file);
	while (fgets(line, sizeof line, file) != NULL) {
		const char *found = strstr(line, what);

		count += found != NULL && strncmp(found + strlen(what), not_followed_by,
						  strlen(not_followed_by)) != 0;
	}
	(void)fclose(file);
	return count;
}

/* For a person: what was on the disk, and what keeper said. */
static void keep(const struct chain *c, struct program *program)
{
	char command[512];
	const char *const argv[] = { "sh", "-c", command, NULL };
	struct hf_err err;
	int status;

	if (program->kept++ > 0)
		return;
	(void)snprintf(command, sizeof command,
		       "cp --sparse=always %s ${TMPDIR:-/tmp}/holdfast-power-cut.img; "
		       "cp %s/log ${TMPDIR:-/tmp}/holdfast-power-cut.log",
		       c->fs.image, program->folder);
	if (mounted_run(argv, NULL, &status, &err) == HF_OK && status == 0)
		printf("  kept: holdfast-power-cut.img and .log in TMPDIR or /tmp\n");
}

/* cuts cuts on one file system. HF_E_NOENT, HF_E_DENIED: not on this machine. */
static enum hf_code run_chain(struct program *program, struct row *row, uint64_t seed,
			      uint64_t cuts, struct hf_err *err)
{
	char log[192];
	struct chain *c = calloc(1, sizeof *c);

	if (c == NULL)
		return hf_fail(err, HF_E_NOMEM, "out of memory");
	(void)snprintf(log, sizeof log, "%s/log", program->folder);
	*c = (struct chain){ .program = program, .row = row, .seed = seed, .chance = seed };
	c->host.child = HF_CHILD_NONE;
	c->log_fd = open(log, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	load_begin(&c->load, seed);
	enum hf_code code = mounted_make(row->kind, program->folder, 0, &c->fs, err);
	if (code == HF_OK)
		code = mounted_attach(&c->fs, err);
	for (uint64_t cut = 1; code == HF_OK && cut <= cuts; cut++) {
		code = live_and_cut(c, err);
		if (code == HF_OK)
			code = power_up(c, err);
		if (code == HF_OK && (cut == cuts || load_between(&c->chance, 0, 2) > 0))
			recover_and_look(c);
	}
	row->acknowledged += load_acknowledged(&c->load);
	row->found += c->recovered.found;
	row->late += c->load.late;
	row->late_lost += c->load.late_lost;
	row->torn += count_in_log(c, "torn_bytes=", "0 ");
	row->gaps += c->recovered.gap_events;
	row->violations += c->recovered.violations;
	if (c->recovered.violations > 0 && !row->sabotaged) {
		printf("  seed %" PRIu64 ", %s:\n%s", seed, mounted_name(row->kind),
		       c->recovered.text);
		keep(c, program);
	}
	keeper_host_kill(&c->host);
	struct hf_err ignored;
	(void)!mounted_detach(&c->fs, &ignored);
	load_free(&c->load);
	recovered_free(&c->recovered);
	hf_auto_close(&c->log_fd);
	free(c);
	return code;
}

static void print_row(const struct row *row)
{
	char late[48];

	(void)snprintf(late, sizeof late, "%" PRIu64 ":%" PRIu64, row->late, row->late_lost);
	printf("  %-17s %-6s %5" PRIu64 " %12" PRIu64 " %8" PRIu64 " %8" PRIu64 " %10s %5" PRIu64
	       " %5" PRIu64 " %10" PRIu64,
	       mounted_name(row->kind), "file", row->cuts, row->acknowledged, row->found,
	       row->in_doubt, late, row->torn, row->gaps, row->violations);
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

int main(int argc, char **argv)
{
	struct program program = { 0 };
	struct hf_err err = { 0 };
	unsigned bad = 0, ran = 0;

	if (argc < 6)
		return 2;
	program.keeper = argv[1];
	program.holdfast = argv[2];
	program.no_sync = argv[3];
	program.fast_days = argv[4];
	uint64_t cuts = strtoull(argv[5], NULL, 10);
	uint64_t seed = argc > 6 ? strtoull(argv[6], NULL, 10) : (uint64_t)time(NULL);
	(void)setenv("HOLDFAST_DAY_MS", "25", 1);
	/* A sanitizer's runtime wants to be first; what is preloaded here is no harm to it. */
	(void)setenv("ASAN_OPTIONS", "verify_asan_link_order=0:abort_on_error=1", 1);
	if (mounted_enter(TMPFS_BYTES, program.folder, &err) != HF_OK) {
		printf("skipped: power cuts need mounts: %s\n", err.text);
		return 77;
	}
	printf("power cuts, seed %" PRIu64 "\n", seed);
	printf("  %-17s %-6s %5s %12s %8s %8s %10s %5s %5s %10s\n", "file system", "commit", "cuts",
	       "acknowledged", "found", "in doubt", "late:lost", "torn", "gaps", "violations");
	for (unsigned i = 0; i < MOUNTED_KINDS; i++) {
		struct row row = { .kind = (enum mounted_kind)i };
		int how = run_row(&program, &row, seed + i * 100000, cuts / MOUNTED_KINDS + 1);

		bad += how == 1;
		ran += how != 77;
	}
	struct row sabotaged = { .kind = MOUNTED_EXT4, .sabotaged = true };
	bad += ran > 0 && run_row(&program, &sabotaged, seed, cuts) == 1;
	mounted_leave(program.folder);
	return ran == 0 ? 77 : bad > 0 ? 1 : 0;
}
