/* SPDX-License-Identifier: Apache-2.0 */
/*
 * failing_medium - the real keeper on a medium whose writes fail when they are flushed.
 *
 * Method      The image of a loop device lies, sparse, on a tmpfs that is smaller: what is
 *             written to blocks that have no page there yet fails (EIO or ENOSPC) when the
 *             page cache is flushed, and only then, as on a card that wears out or a thin
 *             volume that is full. A filler leaves room for 0, 1, 2, ... pages, so that
 *             the failure meets each flush of a run in turn, until a run ends without it.
 *             Keeper must then say LATER; what it acknowledged must have been stored.
 *             At the first LATER the filler goes away: the medium is healed. Everything must
 *             be taken then, without a new start of keeper, if the file system lives; where
 *             it shut itself down (the journal met the failure), after it was mounted
 *             again. Then the power goes, and what was acknowledged is looked for.
 *
 *             With "data only" the journal has its pages: the file system stays in
 *             order and forgets what it could not write, as it does.
 *
 * Usage       failing_medium KEEPER HOLDFAST FAULTS.so FAST_DAYS.so INDEXES [WORKERS]
 *             exit 0 good, 1 not, 77 cannot be run here
 */
#include "base/auto.h"
#include "victim.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <time.h>

enum {
	PAGE_BYTES = 4096,
	EVENTS = 200, /* at most, of each of two producers */
	HEAL_MS = 6000,
	WORKERS = 8, /* they wait most of the time: a new file is tried once a second */
	BALLAST_BYTES = 4 << 20,
};

static const enum mounted_kind kinds[] = { MOUNTED_EXT4_PACKED, MOUNTED_EXT4, MOUNTED_XFS };

/* What the medium has no room for. */
static const struct way {
	const char *name;
	enum victim_commit commit;
	bool fast_days; /* so that day files are flushed in a short run, too */
	bool ring_gone; /* the ring's own blocks have no pages: its flushes fail, one after the other */
} ways[] = {
	{ "ring", VICTIM_RING, true, false },
	{ "ring's blocks", VICTIM_RING, false, true },
	{ "file", VICTIM_FILE, false, false },
};

enum {
	ROWS = HF_ARRAY_LEN(kinds) * HF_ARRAY_LEN(ways),
	EXTENTS_MAX = 64,
};

struct program {
	struct victim_program victim;
	const char *faults;
	const char *fast_days;
	char small[128];
	unsigned indexes;
	unsigned workers;
	struct row *rows; /* shared by the workers */
};

struct row {
	uint64_t runs;
	uint64_t failed; /* keeper said LATER */
	uint64_t healed; /* and took everything without a new start */
	uint64_t dead;   /* the file system had ended itself */
	uint64_t acknowledged;
	uint64_t found;
	uint64_t violations;
	uint64_t not_here;
};

/* Every page of the tmpfs but so many. */
static enum hf_code fill(const char *path, uint64_t pages_left, struct hf_err *err)
{
	static const char page[PAGE_BYTES];
	uint64_t pages = 0;
	HF_AUTO_FD fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return hf_fail_errno(err, "make %s", path);
	while (write(fd, page, sizeof page) == (ssize_t)sizeof page)
		pages++;
	if (pages < pages_left || ftruncate(fd, (off_t)((pages - pages_left) * PAGE_BYTES)) != 0)
		return hf_fail(err, HF_E_INVALID, "the small tmpfs has %" PRIu64 " pages left",
			       pages);
	return HF_OK;
}

/* The pages under the ring go away. What they held stands in the day file: keeper closed it. */
static enum hf_code punch_ring(const struct victim *v, int image, struct hf_err *err)
{
	char path[256];
	union {
		struct fiemap map;
		char bytes[sizeof(struct fiemap) + EXTENTS_MAX * sizeof(struct fiemap_extent)];
	} found = { .map = { .fm_length = FIEMAP_MAX_OFFSET, .fm_extent_count = EXTENTS_MAX } };

	(void)snprintf(path, sizeof path, "%s/outbox/.ring", v->data);
	HF_AUTO_FD ring = open(path, O_RDONLY | O_CLOEXEC);
	if (ring < 0 || ioctl(ring, FS_IOC_FIEMAP, &found.map) != 0 ||
	    found.map.fm_mapped_extents == 0)
		return hf_fail_errno(err, "find the blocks of %s", path);
	for (unsigned i = 0; i < found.map.fm_mapped_extents; i++) {
		const struct fiemap_extent *extent = &found.map.fm_extents[i];

		if (fallocate(image, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			      (off_t)extent->fe_physical, (off_t)extent->fe_length) != 0)
			return hf_fail_errno(err, "take the blocks of %s away", path);
	}
	return HF_OK;
}

/* What the file system holds of its own, and what is there before the failure, has its pages. */
static enum hf_code prepare(struct program *program, enum mounted_kind kind, const struct way *way,
			    uint64_t seed, struct victim **ret_victim, struct hf_err *err)
{
	struct hf_exit how;
	struct victim *v;
	enum hf_code code = victim_make(&program->victim, kind, way->commit, seed, &v, err);

	if (code != HF_OK)
		return code;
	v->load.shape = (struct load_shape){ .producers = 2, .window = 3, .events_max = 2 };
	HF_AUTO_FD image = open(v->fs.image, O_RDWR | O_CLOEXEC);
	if (image < 0 || (kind == MOUNTED_EXT4_PACKED &&
			  posix_fallocate(image, 0, (off_t)MOUNTED_PACKED_BYTES) != 0))
		code = hf_fail_errno(err, "reserve the journal");
	if (code == HF_OK)
		code = victim_spawn(v, "", err);
	if (code == HF_OK)
		code = hf_spawn_start(&v->host.child, err);
	if (code == HF_OK)
		code = load_complete(&v->load, &v->host, VICTIM_SETTLE_MS, err);
	if (code == HF_OK)
		code = keeper_host_stop(&v->host, &how, err);
	if (code == HF_OK && way->ring_gone) {
		/* The blocks must be where the map says, before and after. */
		code = mounted_detach(&v->fs, err);
		if (code == HF_OK)
			code = mounted_attach(&v->fs, err);
		if (code == HF_OK)
			code = punch_ring(v, image, err);
	}
	/* Its metadata reaches the image; what was cached of it goes. */
	v->fs.page_requests = true;
	if (code == HF_OK)
		code = mounted_detach(&v->fs, err);
	if (code == HF_OK)
		code = mounted_attach(&v->fs, err);
	if (code != HF_OK) {
		victim_free(v);
		return code;
	}
	*ret_victim = v;
	return HF_OK;
}

static bool file_system_lives(const struct victim *v)
{
	char path[256];

	(void)snprintf(path, sizeof path, "%s/alive", v->fs.path);
	HF_AUTO_FD fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	return fd >= 0 && write(fd, "x", 1) == 1 && fsync(fd) == 0;
}

/* Until the first LATER, or until everything is taken. */
static enum hf_code meet_failure(struct victim *v, struct hf_err *err)
{
	for (unsigned waits = 0; waits < 600 && v->load.later == 0; waits++) {
		if (load_acknowledged(&v->load) ==
		    v->load.shape.producers * v->load.shape.events_max)
			return HF_OK;
		enum hf_code code = load_send(&v->load, &v->host, err);
		if (code == HF_OK) {
			load_wait(&v->load, &v->host, 100000);
			code = load_take(&v->load, &v->host, false, err);
		}
		if (code != HF_OK)
			return code;
	}
	return v->load.later > 0 ? HF_OK : hf_fail(err, HF_E_AGAIN, "no answer");
}

static bool says_why(const struct victim *v)
{
	return victim_log_count(v, "outbox_failed", "\001") +
		       victim_log_count(v, "outbox_full", "\001") +
		       victim_log_count(v, "keeper_failed", "\001") >
	       0;
}

/* The filler is gone. */
static void judge_healed(struct victim *v, bool ended, struct row *row)
{
	struct hf_err err = { 0 };
	enum hf_code code = HF_E_CLOSED;

	victim_add(&row->failed, 1);
	/* One that ended itself, with its journal, does not come back by itself. */
	if (!ended && file_system_lives(v))
		code = load_complete(&v->load, &v->host, HEAL_MS, &err);
	if (code == HF_OK)
		victim_add(&row->healed, 1);
	else if (file_system_lives(v))
		recovered_violation(&v->recovered,
				    "the medium is healed and keeper takes nothing: %s", err.text);
	else
		victim_add(&row->dead, 1);
	/* Said after the answers, but said. */
	for (int waits = 0; waits < 500 && !says_why(v); waits++)
		(void)nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	if (!says_why(v))
		recovered_violation(&v->recovered, "keeper stored nothing and did not say why");
}

static void run_one(struct program *program, enum mounted_kind kind, const struct way *way,
		    uint64_t pages, struct row *row)
{
	char filler[192], preload[512];
	struct hf_err err = { 0 };
	struct victim *v = NULL;
	enum hf_code code = prepare(program, kind, way, pages, &v, &err);

	(void)snprintf(filler, sizeof filler, "%s/filler", program->small);
	if (code == HF_E_NOENT || code == HF_E_DENIED) {
		victim_add(&row->not_here, 1);
		return;
	}
	if (code == HF_OK)
		code = fill(filler, pages, &err);
	(void)snprintf(preload, sizeof preload, "%s%s%s", program->faults,
		       way->fast_days ? ":" : "", way->fast_days ? program->fast_days : "");
	if (code == HF_OK)
		code = victim_spawn(v, preload, &err);
	if (code == HF_OK)
		code = hf_spawn_start(&v->host.child, &err);
	if (v == NULL) {
		printf("  %s, %" PRIu64 " pages: %s\n", mounted_name(kind), pages, err.text);
		victim_add(&row->violations, 1);
		return;
	}
	v->load.shape.events_max = EVENTS;
	if (code == HF_OK)
		code = meet_failure(v, &err);
	(void)unlink(filler);
	if (code == HF_E_AGAIN)
		recovered_violation(&v->recovered, "keeper on the failing medium: %s", err.text);
	else if (code != HF_OK || v->load.later > 0)
		judge_healed(v, code != HF_OK, row);
	uint64_t touched = victim_log_count(v, "fault: spent file", "\001");
	if (touched > 0)
		recovered_violation(&v->recovered,
				    "a file whose flush failed was touched %" PRIu64 " times",
				    touched);
	/* One that has ended itself cannot lose its power any more. */
	(void)!mounted_cut(&v->fs, false, &err);
	victim_end(v);
	if (victim_power_up(v, &err) != HF_OK)
		recovered_violation(&v->recovered, "mounted again: %s", err.text);
	else
		(void)victim_recover(v);
	victim_add(&row->runs, 1);
	victim_add(&row->acknowledged, load_acknowledged(&v->load));
	victim_add(&row->found, v->recovered.found);
	victim_add(&row->violations, v->recovered.violations);
	if (v->recovered.violations > 0) {
		printf("  %s, %s, %" PRIu64 " pages:\n%s", mounted_name(kind), way->name, pages,
		       v->recovered.text);
		victim_keep(v, &program->victim, "holdfast-failing-medium");
	}
	victim_free(v);
}

/* What a worker does: its share of the indexes. */
static int work(void *context, unsigned worker)
{
	struct program *program = context;
	char folder[128];
	struct hf_err err = { 0 };

	if (mounted_enter(UINT64_C(16) << 20, folder, &err) != HF_OK) {
		printf("skipped: a failing medium needs mounts: %s\n", err.text);
		return 77;
	}
	(void)snprintf(program->small, sizeof program->small, "%.100s/small", folder);
	memcpy(program->victim.folder, program->small, sizeof program->small);
	for (unsigned r = 0; r < ROWS; r++) {
		enum mounted_kind kind = kinds[r / HF_ARRAY_LEN(ways)];

		/* XFS's log alone is 64 MiB. */
		uint64_t size = kind == MOUNTED_XFS ? UINT64_C(112) << 20 : UINT64_C(32) << 20;

		for (unsigned i = worker; i < program->indexes; i += program->workers) {
			if (mounted_small(program->small, size, &err) != HF_OK) {
				printf("skipped: %s\n", err.text);
				mounted_leave(folder);
				return 77;
			}
			run_one(program, kind, &ways[r % HF_ARRAY_LEN(ways)], i, &program->rows[r]);
			(void)umount2(program->small, MNT_DETACH);
		}
	}
	mounted_leave(folder);
	return 0;
}

int main(int argc, char **argv)
{
	struct program program = { 0 };
	uint64_t violations = 0, ran = 0, failed = 0;

	if (argc < 6)
		return 2;
	program.victim.keeper = argv[1];
	program.victim.holdfast = argv[2];
	program.faults = argv[3];
	program.fast_days = argv[4];
	program.indexes = (unsigned)strtoul(argv[5], NULL, 10);
	program.workers = argc > 6 ? (unsigned)strtoul(argv[6], NULL, 10) : WORKERS;
	struct row *rows = mmap(NULL, sizeof *rows * ROWS, PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (rows == MAP_FAILED || program.workers == 0)
		return 2;
	(void)setenv("HOLDFAST_DAY_MS", "40", 1);
	victim_environment();
	program.rows = rows;
	int how = victim_workers(program.workers, work, &program);
	if (how == 77)
		return 77;
	printf("flushes that fail on a medium too small, after 0 to %u pages\n",
	       program.indexes - 1);
	printf("  %-17s %-13s %5s %6s %6s %7s %12s %8s %10s\n", "file system", "no room for",
	       "runs", "failed", "healed", "fs died", "acknowledged", "found", "violations");
	for (unsigned r = 0; r < ROWS; r++) {
		const struct row *row = &rows[r];

		printf("  %-17s %-13s %5" PRIu64 " %6" PRIu64 " %6" PRIu64 " %7" PRIu64
		       " %12" PRIu64 " %8" PRIu64 " %10" PRIu64 "%s\n",
		       mounted_name(kinds[r / HF_ARRAY_LEN(ways)]),
		       ways[r % HF_ARRAY_LEN(ways)].name, row->runs, row->failed, row->healed,
		       row->dead, row->acknowledged, row->found, row->violations,
		       row->not_here > 0 ? "  skipped: not on this machine" : "");
		violations += row->violations;
		ran += row->runs;
		failed += row->failed;
	}
	if (ran == 0)
		return 77;
	if (failed == 0)
		printf("  the medium never failed: nothing was shown\n");
	return how != 0 || violations > 0 || failed == 0 ? 1 : 0;
}
