/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what was answered is never lost, its number is never used again, and what the uplink was
 * handed stands there, wherever the power goes.
 *
 * Method: the real code (writer, ring, repair, reader, cursor, retry, retention, verify) runs a
 * script on a disk in memory (test/lib/crash_disk.h, which says what the space is). In the middle
 * of each disk operation the explorer takes the power: of each state that the disk could be found
 * in then, if it was not seen before, it makes a disk, starts the real code on it, offers
 * everything again, and looks (test/crash/life.c says what must hold). In that second life the
 * power goes again, and in the third, as far as the plan goes. Lives are nested: the first one
 * stands still in its disk operation while those after it run.
 *
 * A state is what is on the disk (names, sizes, bytes). It is counted once, in whatever world and
 * however deep it is met; it is run once for each thing the world outside may know by then.
 *
 * Usage    outbox_explore [--seconds N | --short | --first PASSES] [WORLD...]
 *          outbox_explore WORLD CUT VARIANT[:CUT:VARIANT...]    shows one
 *          A world in which the Nth flush or write fails is called NAME@N there.
 * Output   a line a world: cut points, undecided things at most, variants possible and run,
 *          distinct states, recoveries, violations, seconds; each violation with the numbers that
 *          show it again.
 */
#include "explore.h"

#include "base/assert.h"
#include "base/auto.h"

#include <malloc.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	WORKERS = 2,
	KINDS_MAX = 32,
	SHOWN_MAX = 3, /* of a kind */
	TEXT_BYTES = 512,
	CUTS_BEHIND_FAILURE = 24, /* operations behind one that failed in which the power may go */
};

/* How much of the space is run. */
struct plan {
	uint64_t variants[CUTS_MAX]; /* a cut, by depth */
	uint64_t every[CUTS_MAX];    /* each so manieth state is cut again; the baselines always */
	double seconds;              /* a world; 0: no limit */
};

struct sums {
	uint64_t cuts[CUTS_MAX];
	uint64_t items_max;
	uint64_t possible[CUTS_MAX];
	uint64_t run[CUTS_MAX];
	uint64_t states[CUTS_MAX]; /* distinct */
	uint64_t recoveries[CUTS_MAX];
	uint64_t violations;
	bool out_of_time;
};

/* Keys of 64 bits; what is in twice is found by either worker. */
struct set {
	size_t room; /* a power of two */
	_Atomic uint64_t *slots;
};

struct explorer {
	const struct world *world;
	const struct plan *plan;
	uint64_t failing; /* the operation that fails; 0: none */
	unsigned worker;
	unsigned workers;
	bool first_only; /* ends with the first violation */
	bool verbose;
	const char *run_path;
	struct set *states;
	struct set *runs;
	struct sums sums;
	double deadline;
	uint64_t state_counter[CUTS_MAX];
	uint64_t behind_failure; /* operations */
	size_t kind_count;       /* of complaints: the same words with other numbers */
	struct {
		uint64_t hash;
		uint64_t shown;
	} kinds[KINDS_MAX];
	int path_depth;
	uint64_t path[CUTS_MAX][2]; /* cut, variant */
	int replay_depth;           /* 0: explore */
	uint64_t replay[CUTS_MAX][2];
};

static double now_s(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void *shared(size_t size)
{
	void *map = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	HF_ASSERT(map != MAP_FAILED);
	return map;
}

static struct set set_new(size_t room)
{
	return (struct set){ .room = room, .slots = shared(room * sizeof(uint64_t)) };
}

/* Was it new? */
static bool set_add(struct set *set, uint64_t key)
{
	key = key == 0 ? 1 : key;
	for (size_t at = (size_t)key & (set->room - 1), tries = 0; tries < set->room;
	     at = (at + 1) & (set->room - 1), tries++) {
		uint64_t found = atomic_load_explicit(&set->slots[at], memory_order_relaxed);

		if (found == key)
			return false;
		if (found == 0) {
			if (atomic_compare_exchange_strong(&set->slots[at], &found, key))
				return true;
			if (found == key)
				return false;
		}
	}
	(void)fprintf(stderr, "outbox_explore: more states than there is room for\n");
	abort();
}

/* --- one world --- */

/* In the header of a file whose lines are committed in it. */
static const char plain_mark[] = "\"commit\":\"file\"";

static struct explorer *explorer_in_hand; /* for the obituary of an assertion */

static void path_text(const struct explorer *x, char text[TEXT_BYTES])
{
	int used = snprintf(text, TEXT_BYTES, "outbox_explore %s", x->world->name);

	if (x->failing != 0)
		used += snprintf(text + used, TEXT_BYTES - (size_t)used, "@%llu",
				 (unsigned long long)x->failing);
	for (int i = 0; i < x->path_depth; i++)
		used += snprintf(text + used, TEXT_BYTES - (size_t)used, "%s%llu%s%llu",
				 i == 0 ? " " : ":", (unsigned long long)x->path[i][0],
				 i == 0 ? " " : ":", (unsigned long long)x->path[i][1]);
}

/* Is there still interest in complaints of these words? */
static bool is_news(struct explorer *x, const char *complaint)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	size_t i = 0;

	for (const char *at = complaint; *at != '\0'; at++)
		if (*at < '0' || *at > '9')
			hash = (hash ^ (unsigned char)*at) * UINT64_C(0x100000001b3);
	while (i < x->kind_count && x->kinds[i].hash != hash)
		i++;
	if (i == KINDS_MAX)
		return false;
	if (i == x->kind_count)
		x->kinds[x->kind_count++].hash = hash;
	return ++x->kinds[i].shown <= SHOWN_MAX;
}

static void violation(struct explorer *x, const char *complaint)
{
	char path[TEXT_BYTES];

	x->sums.violations++;
	if (!is_news(x, complaint))
		return;
	path_text(x, path);
	(void)printf("%s: %s\n", path, complaint);
	(void)fflush(stdout);
}

static void on_abort(int signal)
{
	struct explorer *x = explorer_in_hand;

	(void)signal;
	if (x != NULL)
		violation(x, "the code under test stopped itself");
	_exit(3);
}

const char *explore_run_path(const struct life *life)
{
	static char path[TEXT_BYTES];

	(void)snprintf(path, sizeof path, "%s/%d", life->explorer->run_path, life->depth);
	return path;
}

bool explore_is_verbose(const struct life *life)
{
	return life->explorer->verbose && life->depth == life->explorer->replay_depth;
}

static bool is_over(struct explorer *x)
{
	if (x->first_only && x->sums.violations > 0)
		return true;
	if (x->deadline > 0 && now_s() > x->deadline)
		x->sums.out_of_time = true;
	return x->sums.out_of_time;
}

/* A disk as it is found after the cut: start there. */
static void run_state(struct life *parent, struct crash_cut *cut, bool watched)
{
	struct explorer *x = parent->explorer;
	struct life *life = calloc(1, sizeof *life);

	HF_ASSERT(life != NULL);
	life->explorer = x;
	life->world = parent->world;
	life->depth = parent->depth + 1;
	life->watched = watched;
	life->disk = crash_cut_disk(cut);
	life->model = parent->model;
	x->sums.recoveries[parent->depth]++;
	if (life->world->rots && parent->depth == 0)
		life_rot(life);
	life_again(life);
	if (life->model.complaint[0] != '\0')
		violation(x, life->model.complaint);
	crash_disk_free(life->disk);
	free(life);
}

static void explore_variant(struct life *life, struct crash_cut *cut, uint64_t variant,
			    uint64_t known)
{
	struct explorer *x = life->explorer;
	int depth = life->depth;
	uint64_t hash = crash_cut_choose(cut, variant);

	x->sums.run[depth]++;
	bool new = set_add(x->states, hash);
	x->sums.states[depth] += new ? 1 : 0;
	uint64_t key = (hash ^ known) * UINT64_C(0x9e3779b97f4a7c15);
	bool unknown = set_add(x->runs, key);
	bool deeper = depth + 1 < CUTS_MAX && x->plan->every[depth] != 0 &&
		      x->plan->variants[depth + 1] != 0 &&
		      ((variant < 2 && depth == 0) ||
		       (unknown && x->state_counter[depth]++ % x->plan->every[depth] == 0));
	/* Run before, but perhaps without another cut behind it. */
	if (!unknown && !(deeper && set_add(x->runs, key + 1 + (uint64_t)depth)))
		return;
	x->path[depth][1] = variant;
	run_state(life, cut, deeper);
}

static void explore_cut(struct life *life, uint64_t number)
{
	struct explorer *x = life->explorer;
	int depth = life->depth;
	struct crash_cut *cut = crash_cut_new(life->disk, plain_mark);
	uint64_t all = crash_cut_variants(cut), single = crash_cut_variants_single(cut);
	uint64_t most = x->plan->variants[depth];
	uint64_t known = model_hash(&life->model) + (uint64_t)(life->world - worlds) * 7919;
	/* All of none and one deviation; of the others each so manieth, evenly. */
	uint64_t step = 1;

	x->sums.cuts[depth]++;
	x->sums.possible[depth] += all;
	if (crash_cut_items(cut) > x->sums.items_max)
		x->sums.items_max = crash_cut_items(cut);
	x->path[depth][0] = number;
	x->path_depth = depth + 1;
	if (all > most && most > single)
		step = (all - single + (most - single) - 1) / (most - single);
	else if (all > most)
		step = all;
	uint64_t single_step = single > most ? (single + most - 1) / most : 1;
	for (uint64_t v = 0; v < all && !is_over(x);
	     v += v < single ? (v < 2 ? 1 : single_step) : step)
		explore_variant(life, cut, v, known);
	x->path_depth = depth;
	crash_cut_free(cut);
}

static void replay_cut(struct life *life, uint64_t number, enum crash_op op, const char *path)
{
	static const char *const names[CRASH_OP_COUNT] = { "create",     "write",  "sync",
							   "truncate",   "rename", "unlink",
							   "sync folder" };
	struct explorer *x = life->explorer;
	int depth = life->depth;
	char text[8192];

	if (x->verbose)
		(void)printf("%*s%llu %s %s\n", 2 * depth, "", (unsigned long long)number,
			     names[op], path);
	if (depth >= x->replay_depth || number != x->replay[depth][0])
		return;
	struct crash_cut *cut = crash_cut_new(life->disk, plain_mark);
	if (x->replay[depth][1] >= crash_cut_variants(cut)) {
		(void)printf("there are %llu variants\n",
			     (unsigned long long)crash_cut_variants(cut));
		exit(2);
	}
	(void)crash_cut_choose(cut, x->replay[depth][1]);
	crash_cut_describe(cut, text, sizeof text);
	(void)printf("%*s--- the power goes, variant %llu of %llu:\n%s", 2 * depth, "",
		     (unsigned long long)x->replay[depth][1],
		     (unsigned long long)crash_cut_variants(cut), text);
	memcpy(x->path[depth], x->replay[depth], sizeof x->path[depth]);
	x->path_depth = depth + 1;
	run_state(life, cut, true);
	x->path_depth = depth;
	crash_cut_free(cut);
	exit(x->sums.violations == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}

void explore_operation(void *context, uint64_t number, enum crash_op op, const char *path)
{
	struct life *life = context;
	struct explorer *x = life->explorer;
	uint64_t failed = 0;

	life_read(life);
	if (x->failing != 0 && life->depth == 0) {
		uint64_t n = crash_disk_count(life->disk, life->world->fails);

		failed = n >= x->failing;
		life->model.trouble = life->model.trouble || failed;
	}
	if (x->replay_depth > 0) {
		replay_cut(life, number, op, path);
		return;
	}
	if (!life->watched || is_over(x) || life->model.complaint[0] != '\0')
		return;
	if (life->depth == 0) {
		if (x->failing != 0) {
			/* What comes before the failure is the other worlds'. */
			if (!failed || ++x->behind_failure > CUTS_BEHIND_FAILURE)
				return;
		} else if (number % x->workers != x->worker) {
			return;
		}
	}
	explore_cut(life, number);
	life_resume(life);
}

/* The script once, from an empty disk. How often the operation that may fail occurred in it. */
static uint64_t run_script(struct explorer *x, bool watched)
{
	struct life *life = calloc(1, sizeof *life);

	HF_ASSERT(life != NULL);
	life->explorer = x;
	life->world = x->world;
	life->watched = watched;
	life->disk = crash_disk_new();
	x->behind_failure = 0;
	if (x->failing != 0)
		crash_disk_fail(life->disk, x->world->fails, x->failing, x->world->fails_for,
				x->world->fails_so);
	life_first(life);
	uint64_t count = crash_disk_count(life->disk, x->world->fails);
	if (life->model.complaint[0] != '\0' && !is_over(x))
		violation(x, life->model.complaint);
	crash_disk_free(life->disk);
	free(life);
	return count;
}

static void explore_world(struct explorer *x)
{
	explorer_in_hand = x;
	if (x->plan->seconds > 0)
		x->deadline = now_s() + x->plan->seconds;
	if (x->world->fails_so == HF_OK || x->replay_depth > 0) {
		(void)run_script(x, true);
		return;
	}
	for (uint64_t n = 1, count = UINT64_MAX; n <= count && !is_over(x); n++) {
		x->failing = n;
		bool mine = n % x->workers == x->worker;

		if (mine || n == 1)
			count = run_script(x, mine);
	}
}

/* --- all worlds --- */

static void add_sums(struct sums *to, const struct sums *from)
{
	for (int i = 0; i < CUTS_MAX; i++) {
		to->cuts[i] += from->cuts[i];
		to->possible[i] += from->possible[i];
		to->run[i] += from->run[i];
		to->states[i] += from->states[i];
		to->recoveries[i] += from->recoveries[i];
	}
	if (from->items_max > to->items_max)
		to->items_max = from->items_max;
	to->violations += from->violations;
	to->out_of_time = to->out_of_time || from->out_of_time;
}

static uint64_t total(const uint64_t counts[CUTS_MAX])
{
	return counts[0] + counts[1] + counts[2];
}

static void print_sums(const char *name, const struct sums *sums, double seconds)
{
	(void)printf("%-12s %7llu %6llu %14llu %11llu %9llu %10llu %6llu %7.1f%s\n", name,
		     (unsigned long long)total(sums->cuts), (unsigned long long)sums->items_max,
		     (unsigned long long)total(sums->possible),
		     (unsigned long long)total(sums->run), (unsigned long long)total(sums->states),
		     (unsigned long long)total(sums->recoveries),
		     (unsigned long long)sums->violations, seconds,
		     sums->out_of_time ? " time was up" : "");
	for (int i = 0; i < CUTS_MAX && sums->cuts[i] > 0; i++)
		(void)printf("  cut %d %12llu %21llu %11llu %9llu %10llu\n", i + 1,
			     (unsigned long long)sums->cuts[i],
			     (unsigned long long)sums->possible[i],
			     (unsigned long long)sums->run[i], (unsigned long long)sums->states[i],
			     (unsigned long long)sums->recoveries[i]);
}

static void make_run_folders(const char *run_path)
{
	for (int i = 0; i <= CUTS_MAX; i++) {
		char path[TEXT_BYTES];

		(void)snprintf(path, sizeof path, "%s/%d", run_path, i);
		HF_ASSERT(mkdir(path, 0700) == 0);
	}
}

static void remove_run_folders(const char *run_path)
{
	char path[TEXT_BYTES];

	for (int i = 0; i <= CUTS_MAX; i++) {
		(void)snprintf(path, sizeof path, "%s/%d/committed", run_path, i);
		(void)unlink(path);
		(void)snprintf(path, sizeof path, "%s/%d", run_path, i);
		(void)rmdir(path);
	}
	(void)rmdir(run_path);
}

/* A process a worker: the code under test may stop itself. */
static pid_t start_worker(const struct explorer *blank, unsigned worker, struct sums *ret_sums)
{
	pid_t pid = fork();

	HF_ASSERT(pid >= 0);
	if (pid != 0)
		return pid;
	struct explorer *x = malloc(sizeof *x);
	char run_path[] = "/tmp/outbox-explore-XXXXXX";
	HF_ASSERT(x != NULL && mkdtemp(run_path) != NULL);
	make_run_folders(run_path);
	*x = *blank;
	x->worker = worker;
	x->run_path = run_path;
	(void)signal(SIGABRT, on_abort);
	explore_world(x);
	*ret_sums = x->sums;
	remove_run_folders(run_path);
	(void)fflush(stdout);
	_exit(EXIT_SUCCESS);
}

static struct sums run_world(const struct explorer *blank)
{
	struct sums *sums = shared(sizeof *sums * WORKERS), all = { 0 };
	pid_t pids[WORKERS];
	double begun = now_s();

	(void)fflush(stdout);
	for (unsigned i = 0; i < blank->workers; i++)
		pids[i] = start_worker(blank, i, &sums[i]);
	for (unsigned i = 0; i < blank->workers; i++) {
		int status = 0;

		if (waitpid(pids[i], &status, 0) != pids[i] || status != 0)
			sums[i].violations++;
		add_sums(&all, &sums[i]);
	}
	print_sums(blank->world->name, &all, now_s() - begun);
	(void)munmap(sums, sizeof *sums * WORKERS);
	return all;
}

static int replay(const char *name, const char *cut, const char *rest)
{
	static const struct plan plan = { .variants = { 1, 1, 1 } };
	char world[64], run_path[] = "/tmp/outbox-explore-XXXXXX";
	struct explorer *x = calloc(1, sizeof *x);
	const char *at = strchr(name, '@');
	char *end;

	HF_ASSERT(x != NULL && mkdtemp(run_path) != NULL);
	make_run_folders(run_path);
	(void)snprintf(world, sizeof world, "%.*s", at != NULL ? (int)(at - name) : 60, name);
	x->world = world_find(world);
	if (x->world == NULL) {
		(void)fprintf(stderr, "there is no world %s\n", world);
		return 2;
	}
	x->plan = &plan;
	x->failing = at != NULL ? strtoull(at + 1, NULL, 10) : 0;
	x->workers = 1;
	x->verbose = true;
	x->run_path = run_path;
	x->replay[0][0] = strtoull(cut, NULL, 10);
	x->replay[0][1] = strtoull(rest, &end, 10);
	for (x->replay_depth = 1; *end == ':' && x->replay_depth < CUTS_MAX; x->replay_depth++) {
		x->replay[x->replay_depth][0] = strtoull(end + 1, &end, 10);
		x->replay[x->replay_depth][1] = *end == ':' ? strtoull(end + 1, &end, 10) : 0;
	}
	(void)signal(SIGABRT, on_abort);
	explore_world(x);
	remove_run_folders(run_path);
	return x->sums.violations == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static const struct plan plan_check = { .variants = { 9000, 12, 4 }, .every = { 1500, 60, 0 } };
/* What a broken variant of the code must not pass: wide first, then deep. */
static const struct plan plans_first[] = {
	{ .variants = { 60, 0, 0 }, .every = { 0, 0, 0 } },
	{ .variants = { 400, 0, 0 }, .every = { 0, 0, 0 } },
	{ .variants = { 60, 20, 0 }, .every = { 20, 0, 0 } },
	{ .variants = { 60, 20, 8 }, .every = { 20, 20, 0 } },
	{ .variants = { 400, 60, 20 }, .every = { 20, 20, 0 } },
};
static const struct plan plan_short = { .variants = { 24, 0, 0 }, .every = { 0, 0, 0 } };

/* No names: all of them. */
static bool is_wanted(const char *name, char **names, int count)
{
	for (int i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return count == 0;
}

int main(int argc, char **argv)
{
	struct plan plan = plan_check;
	struct sums all = { 0 };
	double begun = now_s();
	struct explorer *blank = calloc(1, sizeof *blank);
	int first = 1;
	size_t passes = 1;

	HF_ASSERT(blank != NULL);
	/* What the code under test takes and gives back is not given back to the kernel each time. */
	(void)mallopt(M_MMAP_THRESHOLD, 64 * 1024 * 1024);
	(void)mallopt(M_TRIM_THRESHOLD, 512 * 1024 * 1024);
	blank->workers = WORKERS;
	for (; first < argc && argv[first][0] == '-'; first++) {
		if (strcmp(argv[first], "--short") == 0) {
			plan = plan_short;
		} else if (strcmp(argv[first], "--first") == 0 && first + 1 < argc) {
			passes = strtoul(argv[++first], NULL, 10);
			blank->first_only = true;
			blank->workers = 1;
		} else if (strcmp(argv[first], "--plan") == 0 && first + 1 < argc) {
			if (sscanf(argv[++first], "%llu,%llu,%llu,%llu,%llu",
				   (unsigned long long *)&plan.variants[0],
				   (unsigned long long *)&plan.variants[1],
				   (unsigned long long *)&plan.variants[2],
				   (unsigned long long *)&plan.every[0],
				   (unsigned long long *)&plan.every[1]) != 5)
				return 2;
		} else if (strcmp(argv[first], "--seconds") == 0 && first + 1 < argc) {
			plan = (struct plan){ .variants = { 1000000, 200, 40 },
					      .every = { 10, 10, 0 } };
			plan.seconds = atof(argv[++first]) / (double)world_count;
		} else {
			(void)fprintf(stderr, "what is %s?\n", argv[first]);
			return 2;
		}
	}
	if (argc - first == 3 && argv[first + 1][0] >= '0' && argv[first + 1][0] <= '9')
		return replay(argv[first], argv[first + 1], argv[first + 2]);

	struct set states = set_new(plan.seconds > 0 ? 1 << 27 : 1 << 23);
	struct set runs = set_new(plan.seconds > 0 ? 1 << 27 : 1 << 23);
	blank->plan = &plan;
	blank->states = &states;
	blank->runs = &runs;
	(void)printf("%-12s %7s %6s %14s %11s %9s %10s %6s %7s\n", "world", "cuts", "things",
		     "variants", "run", "states", "recoveries", "wrong", "seconds");
	for (size_t p = 0; p < passes && p < HF_ARRAY_LEN(plans_first) && all.violations == 0;
	     p++) {
		if (blank->first_only)
			plan = plans_first[p];
		for (size_t i = 0; i < world_count; i++) {
			if (!is_wanted(worlds[i].name, argv + first, argc - first) ||
			    (worlds[i].slow && plan.seconds <= 0 && first == argc))
				continue;
			blank->world = &worlds[i];
			struct sums sums = run_world(blank);
			add_sums(&all, &sums);
			if (blank->first_only && all.violations > 0)
				break;
		}
	}
	print_sums("all", &all, now_s() - begun);
	free(blank);
	return all.violations == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
