/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: wherever the power goes, a start finds the device state that was stored last or the one
 * that was being stored: never an older one, never none. So what was stored before an action is
 * found after it.
 *
 * Method: the real code (recover/slots.h) makes its copies, stores, restarts and ends on a disk in
 * memory (test/lib/crash_disk.h says what a cut may leave of it). In the middle of each operation,
 * and between any two stores, the power goes: of each disk that could be found then a new life is
 * started, in which the power goes again, and once more: three cuts deep, none left out; what was
 * run before with the same knowledge is not run again. At the same places the process is killed
 * while the kernel lives on: what was not flushed stays undecided. In the worlds with a failure
 * each operation of a kind fails in turn.
 *
 * A life stores, restarts within the boot, stores. Each state is numbered; its bytes follow from
 * its number, so that a mixture of two is seen.
 *
 * Usage    slots_explore [--short | --first PASSES] [WORLD...]
 *          slots_explore WORLD[@N] STEP...     shows one; a step is CUT:VARIANT, or CUT:k (the
 *          process is killed), or CUT:K (and the run folder lost): as a violation prints them
 * Output   a line a world: places of a cut, undecided things at most, variants, those that were
 *          new, distinct states, lives, violations, seconds.
 */
#include "base/assert.h"
#include "base/auto.h"
#include "crash_disk.h"
#include "recover/slots.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	CUTS_MAX = 3,
	STEPS_MAX = CUTS_MAX + 1,
	PAYLOAD_BYTES = 3300,
	SHOWN_MAX = 5,
	SET_ROOM = 1 << 24,
	COPIES_STORES = 4,
};

static const uint64_t kill_keep = UINT64_MAX, kill_lose = UINT64_MAX - 1;
static const char no_text[] = "\001 nothing is plain here";

struct world {
	const char *name;
	enum crash_op fails;
	enum hf_code fails_so; /* HF_OK: nothing does */
	uint64_t fails_for;
};

static const struct world worlds[] = {
	{ .name = "power" },
	{ "flush", CRASH_SYNC, HF_E_IO, 1 },
	{ "flush_twice", CRASH_SYNC, HF_E_IO, 2 },
	{ "full", CRASH_WRITE, HF_E_NOSPACE, 2 },
	{ "folder", CRASH_FOLDER_SYNC, HF_E_IO, 1 },
	{ "create", CRASH_CREATE, HF_E_NOSPACE, 1 },
};

/* What the world outside knows. States are numbered from 1. */
struct model {
	uint64_t stored; /* answered, or found by a start: what was done since may rest on it */
	uint64_t tried;  /* the last one that was being stored */
	uint64_t kept;   /* not stored, and answered so: a start within the boot finds it */
	bool is_made;    /* the copies are there for sure */
};

struct sums {
	uint64_t cuts, items_max, variants, new, states, lives, violations;
};

struct explorer {
	const struct world *world;
	uint64_t failing;
	int cuts_max;
	bool first_only;
	uint64_t *states;
	uint64_t *runs;
	struct sums sums;
	int depth; /* of path */
	struct {
		uint64_t place, variant;
	} path[STEPS_MAX], replay[STEPS_MAX];
	int replay_depth;
};

struct life {
	struct explorer *x;
	int cuts; /* before it */
	bool was_killed;
	uint64_t places;
	struct hf_disk *disk;
	struct hf_disk *run;
	struct model model;
	char boot_id[HF_BOOT_ID_BYTES];
};

static void go_on(struct life *life);

/* Was it new? */
static bool set_add(uint64_t *set, uint64_t key)
{
	key = key == 0 ? 1 : key;
	for (size_t at = (size_t)key & (SET_ROOM - 1), tries = 0; tries < SET_ROOM;
	     at = (at + 1) & (SET_ROOM - 1), tries++) {
		if (set[at] == key)
			return false;
		if (set[at] == 0) {
			set[at] = key;
			return true;
		}
	}
	(void)fprintf(stderr, "slots_explore: more states than there is room for\n");
	abort();
}

static uint64_t mix(uint64_t a, uint64_t b)
{
	uint64_t z = a * UINT64_C(0x9e3779b97f4a7c15) + b + 1;

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static void violation(const struct life *life, const char *format, ...) HF_PRINTF(2, 3);

static void violation(const struct life *life, const char *format, ...)
{
	struct explorer *x = life->x;
	va_list ap;

	if (x->sums.violations++ >= SHOWN_MAX)
		return;
	(void)printf("slots_explore %s", x->world->name);
	if (x->failing != 0)
		(void)printf("@%llu", (unsigned long long)x->failing);
	for (int i = 0; i < x->depth; i++) {
		(void)printf(" %llu:", (unsigned long long)x->path[i].place);
		if (x->path[i].variant >= kill_lose)
			(void)printf("%c", x->path[i].variant == kill_keep ? 'k' : 'K');
		else
			(void)printf("%llu", (unsigned long long)x->path[i].variant);
	}
	(void)printf(": ");
	va_start(ap, format);
	(void)vprintf(format, ap);
	va_end(ap);
	(void)printf("\n");
	(void)fflush(stdout);
}

static bool is_over(const struct explorer *x)
{
	return x->first_only && x->sums.violations > 0;
}

/* --- the unit --- */

static void fill(uint64_t number, uint8_t ret_payload[PAYLOAD_BYTES])
{
	memset(ret_payload, 0, PAYLOAD_BYTES);
	memcpy(ret_payload, &number, sizeof number);
	for (size_t i = sizeof number; i + 8 <= PAYLOAD_BYTES; i += 8) {
		uint64_t word = mix(number, i);

		memcpy(ret_payload + i, &word, 8);
	}
}

static void look(struct life *life, const struct hf_slots_report *report)
{
	struct model *m = &life->model;
	uint64_t least = m->stored > m->kept ? m->stored : m->kept;
	uint8_t whole[PAYLOAD_BYTES];
	uint64_t number = 0;

	if (report->found == HF_SLOTS_LOST) {
		if (m->is_made)
			violation(life, "no state is found, though %llu was stored",
				  (unsigned long long)m->stored);
		return;
	}
	if (report->found == HF_SLOTS_KEPT) {
		if (report->slot.size_bytes == PAYLOAD_BYTES)
			memcpy(&number, report->slot.payload, sizeof number);
		fill(number, whole);
		if (report->slot.size_bytes != PAYLOAD_BYTES ||
		    memcmp(whole, report->slot.payload, PAYLOAD_BYTES) != 0) {
			violation(life, "a state is found that nobody stored");
			return;
		}
	}
	if (number < least || number > m->tried)
		violation(life, "state %llu is found, not one from %llu to %llu",
			  (unsigned long long)number, (unsigned long long)least,
			  (unsigned long long)m->tried);
	m->kept = report->from_volatile ? number : 0;
	if (!report->from_volatile)
		m->stored = number;
}

static struct hf_slots *open_slots(struct life *life)
{
	struct hf_slots_options options = { life->disk, life->run, life->boot_id };
	struct hf_slots_report report;
	struct hf_slots *slots;

	HF_ASSERT(hf_slots_open(&options, &slots, &report, NULL) == HF_OK);
	look(life, &report);
	/* A unit whose disk failed before it had a copy is lost, and has none until a store. */
	life->model.is_made = life->model.is_made ||
			      (!hf_slots_is_volatile(slots) && report.found != HF_SLOTS_LOST);
	return slots;
}

/* What boot/identity.h leaves behind the opening of the slots: a sign of a life before. */
static void leave_identity(struct life *life)
{
	int file;

	if (hf_disk_folder_ensure(life->disk, "identity", NULL) != HF_OK ||
	    hf_disk_open(life->disk, "identity/device_id", HF_DISK_CREATE, &file, NULL) != HF_OK)
		return;
	(void)!hf_disk_write(life->disk, file, 0, "hf\n", 3, NULL);
	(void)!hf_disk_sync(life->disk, file, NULL);
	hf_disk_close(life->disk, file);
	(void)!hf_disk_folder_sync(life->disk, "identity", NULL);
}

static void explore_place(struct life *life);

static void store(struct life *life, struct hf_slots *slots)
{
	struct model *m = &life->model;
	uint8_t payload[PAYLOAD_BYTES];

	fill(++m->tried, payload);
	enum hf_code code =
		hf_slots_store(slots, (int64_t)m->tried * 1000, payload, sizeof payload, NULL);
	if ((code == HF_OK) == hf_slots_is_volatile(slots))
		violation(life, "what was said of state %llu is not what is volatile",
			  (unsigned long long)m->tried);
	if (code == HF_OK) {
		/* From here on the action is done. */
		m->stored = m->tried;
		m->is_made = true;
		m->kept = 0;
	} else {
		m->kept = m->tried;
	}
	explore_place(life);
}

static void go_on(struct life *life)
{
	bool first = life->cuts == 0 && !life->was_killed;
	struct hf_slots *slots = open_slots(life);

	life->x->sums.lives++;
	leave_identity(life);
	for (int i = 0; i < (first ? COPIES_STORES : 1); i++)
		store(life, slots);
	hf_slots_close(slots);
	slots = open_slots(life);
	for (int i = 0; i < 2; i++)
		store(life, slots);
	hf_slots_close(slots);
	/* And the disk as it is seen at the end. */
	hf_slots_close(open_slots(life));
}

/* --- the cuts --- */

static void on_operation(void *context, uint64_t number, enum crash_op op, const char *path)
{
	(void)number;
	(void)op;
	(void)path;
	explore_place(context);
}

static bool is_watched(const struct life *life)
{
	return life->cuts < life->x->cuts_max;
}

static void begin_life(struct life *life)
{
	(void)snprintf(life->boot_id, sizeof life->boot_id, "00000000-0000-0000-0000-%012d",
		       life->cuts);
	crash_disk_hook(life->disk, is_watched(life) ? (struct crash_hook){ on_operation, life }
						     : (struct crash_hook){ 0 });
	go_on(life);
	crash_disk_free(life->disk);
	crash_disk_free(life->run);
}

static void cut_and_start(struct life *life, struct crash_cut *cut)
{
	struct life next = { .x = life->x,
			     .cuts = life->cuts + 1,
			     .disk = crash_cut_disk(cut),
			     .run = crash_disk_new(),
			     .model = life->model };

	/* What was volatile is gone. */
	next.model.kept = 0;
	begin_life(&next);
}

static void kill_and_start(struct life *life, bool lose_run)
{
	struct life next = { .x = life->x,
			     .cuts = life->cuts,
			     .was_killed = true,
			     .disk = crash_disk_copy(life->disk),
			     .run = lose_run ? crash_disk_new() : crash_disk_copy(life->run),
			     .model = life->model };

	if (lose_run)
		next.model.kept = 0;
	begin_life(&next);
}

/* Is this step to be taken? In a replay only the one that was asked for. */
static bool enter(struct explorer *x, uint64_t place, uint64_t variant)
{
	if (x->replay_depth > 0 &&
	    (x->depth >= x->replay_depth || x->replay[x->depth].place != place ||
	     x->replay[x->depth].variant != variant))
		return false;
	x->path[x->depth].place = place;
	x->path[x->depth++].variant = variant;
	return true;
}

static void explore_cut(struct life *life)
{
	struct explorer *x = life->x;
	struct crash_cut *cut = crash_cut_new(life->disk, no_text);
	uint64_t known = mix(mix(life->model.stored, life->model.tried),
			     (uint64_t)life->cuts * 2 + life->model.is_made);

	x->sums.cuts++;
	if (crash_cut_items(cut) > x->sums.items_max)
		x->sums.items_max = crash_cut_items(cut);
	for (uint64_t v = 0; v < crash_cut_variants(cut) && !is_over(x); v++) {
		uint64_t hash = crash_cut_choose(cut, v);

		x->sums.variants++;
		x->sums.states += set_add(x->states, hash);
		if (x->replay_depth == 0 && !set_add(x->runs, mix(hash, known)))
			continue;
		x->sums.new ++;
		if (!enter(x, life->places, v))
			continue;
		if (x->replay_depth == x->depth) {
			char text[8192];

			crash_cut_describe(cut, text, sizeof text);
			(void)printf("--- the power goes:\n%s", text);
		}
		cut_and_start(life, cut);
		x->depth--;
	}
	crash_cut_free(cut);
}

/* The power may go here, or the process. */
static void explore_place(struct life *life)
{
	struct explorer *x = life->x;

	if (!is_watched(life) || is_over(x))
		return;
	life->places++;
	explore_cut(life);
	if (life->was_killed || life->cuts > 0)
		return;
	for (int lose = 0; lose < 2 && !is_over(x); lose++)
		if (enter(x, life->places, lose ? kill_lose : kill_keep)) {
			kill_and_start(life, lose);
			x->depth--;
		}
}

/* The first life. How often the operation that may fail occurred in it. */
static uint64_t run_script(struct explorer *x)
{
	struct life life = { .x = x, .disk = crash_disk_new(), .run = crash_disk_new() };

	if (x->failing != 0)
		crash_disk_fail(life.disk, x->world->fails, x->failing, x->world->fails_for,
				x->world->fails_so);
	(void)snprintf(life.boot_id, sizeof life.boot_id, "00000000-0000-0000-0000-%012d", 0);
	crash_disk_hook(life.disk, (struct crash_hook){ on_operation, &life });
	go_on(&life);
	uint64_t count = crash_disk_count(life.disk, x->world->fails);
	crash_disk_free(life.disk);
	crash_disk_free(life.run);
	return count;
}

static void explore_world(struct explorer *x)
{
	if (x->replay_depth > 0 || x->world->fails_so == HF_OK) {
		(void)run_script(x);
		return;
	}
	for (uint64_t n = 1, count = 1; n <= count && !is_over(x); n++) {
		x->failing = n;
		count = run_script(x);
	}
}

/* --- all worlds --- */

static double now_s(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void print_sums(const struct explorer *x, const char *name, double seconds)
{
	(void)printf("%-12s %7llu %6llu %10llu %9llu %9llu %9llu %6llu %7.1f\n", name,
		     (unsigned long long)x->sums.cuts, (unsigned long long)x->sums.items_max,
		     (unsigned long long)x->sums.variants, (unsigned long long)x->sums.new,
		     (unsigned long long)x->sums.states, (unsigned long long)x->sums.lives,
		     (unsigned long long)x->sums.violations, seconds);
	(void)fflush(stdout);
}

static const struct world *find_world(const char *name, size_t length)
{
	for (size_t i = 0; i < HF_ARRAY_LEN(worlds); i++)
		if (strlen(worlds[i].name) == length && strncmp(worlds[i].name, name, length) == 0)
			return &worlds[i];
	(void)fprintf(stderr, "there is no world %s\n", name);
	exit(2);
}

static int replay(struct explorer *x, char **argv, int count)
{
	const char *at = strchr(argv[0], '@');

	x->world = find_world(argv[0], strcspn(argv[0], "@"));
	x->failing = at != NULL ? strtoull(at + 1, NULL, 10) : 0;
	x->replay_depth = count - 1 < STEPS_MAX ? count - 1 : STEPS_MAX;
	for (int i = 0; i < x->replay_depth; i++) {
		char *end;

		x->replay[i].place = strtoull(argv[i + 1], &end, 10);
		x->replay[i].variant = *end == '\0'    ? 0
				       : end[1] == 'k' ? kill_keep
				       : end[1] == 'K' ? kill_lose
						       : strtoull(end + 1, NULL, 10);
	}
	explore_world(x);
	(void)printf("%s\n", x->sums.violations == 0 ? "nothing found" : "found");
	return x->sums.violations == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Fewer cuts first: the shortest way is the one to look at. */
static void run_world(struct explorer *x, const struct world *world, int cuts_from, int cuts_to)
{
	double begun = now_s();
	struct sums before = x->sums;

	x->sums = (struct sums){ 0 };
	x->world = world;
	for (x->cuts_max = cuts_from; x->cuts_max <= cuts_to && !is_over(x); x->cuts_max++) {
		memset(x->runs, 0, SET_ROOM * sizeof *x->runs);
		x->failing = 0;
		explore_world(x);
	}
	print_sums(x, world->name, now_s() - begun);
	x->sums.cuts += before.cuts;
	x->sums.variants += before.variants;
	x->sums.new += before.new;
	x->sums.states += before.states;
	x->sums.lives += before.lives;
	x->sums.violations += before.violations;
	if (before.items_max > x->sums.items_max)
		x->sums.items_max = before.items_max;
}

int main(int argc, char **argv)
{
	struct explorer x = { .cuts_max = CUTS_MAX };
	int cuts_from = CUTS_MAX, cuts_to = CUTS_MAX, first = 1;
	double begun = now_s();

	x.states = calloc(SET_ROOM, sizeof *x.states);
	x.runs = calloc(SET_ROOM, sizeof *x.runs);
	HF_ASSERT(x.states != NULL && x.runs != NULL);
	for (; first < argc && argv[first][0] == '-'; first++) {
		if (strcmp(argv[first], "--short") == 0) {
			cuts_from = cuts_to = 1;
		} else if (strcmp(argv[first], "--first") == 0 && first + 1 < argc) {
			x.first_only = true;
			cuts_from = 1;
			cuts_to = (int)strtol(argv[++first], NULL, 10);
		} else {
			(void)fprintf(stderr, "what is %s?\n", argv[first]);
			return 2;
		}
	}
	if (argc - first > 1 && argv[first + 1][0] >= '0' && argv[first + 1][0] <= '9')
		return replay(&x, argv + first, argc - first);
	(void)printf("%-12s %7s %6s %10s %9s %9s %9s %6s %7s\n", "world", "cuts", "things",
		     "variants", "run", "states", "lives", "wrong", "seconds");
	for (size_t i = 0; i < (first == argc ? HF_ARRAY_LEN(worlds) : (size_t)(argc - first));
	     i++) {
		if (is_over(&x))
			break;
		run_world(&x,
			  first == argc
				  ? &worlds[i]
				  : find_world(argv[first + (int)i], strlen(argv[first + (int)i])),
			  cuts_from, cuts_to);
	}
	print_sums(&x, "all", now_s() - begun);
	free(x.states);
	free(x.runs);
	return x.sums.violations == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
