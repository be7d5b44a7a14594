/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay - every state in which a power cut could have left the disk of a real keeper.
 *
 * Method      A run of the real keeper is recorded from outside (recorder.c): what it wrote, cut,
 *             flushed, named, and when it acknowledged what. For each moment of the record,
 *             and for what was not flushed then, a disk is made on which some of it is there
 *             and some is not: all, none, all but up to three, none but up to three; a write
 *             that is kept may be torn from either side at a sector, or be one block of
 *             garbage. Names that were not flushed with their folder come and go likewise.
 *             On each of these disks the real keeper is started, answers what is in doubt,
 *             ends, and everything acknowledged up to that moment is looked for
 *             (recovered.h) and by `holdfast outbox verify`.
 *             Of one state in CHAIN_EVERY that start of keeper is recorded in its turn, and the
 *             power goes again in the middle of it.
 *             Nothing of this trusts our own fake disk, or the writer's idea of order.
 *
 * Numbers     The space of a moment with p things pending: sum over k <= 3 of 2 C(p, k), times
 *             the torn forms of the writes kept. Printed with the part of it that was tried.
 *
 * Honesty     At the end the same with flushes that count for nothing, and with folder
 *             flushes that count for nothing: both must be caught.
 *
 * Usage       replay KEEPER HOLDFAST RECORDER.so FAST_DAYS.so ring|file|either STATES [SEED]
 *             exit 0 good, 1 not, 77 cannot be run here
 */
#include "base/assert.h"
#include "base/auto.h"
#include "record_read.h"
#include "victim.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

enum {
	DROPS_MAX = 3,
	SECTOR = 512,
	BLOCK = 4096,
	WORKERS = 3,
	PRODUCERS = 3,
	EVENTS = 40,
	CHAIN_EVERY = 12, /* states; of one in so many the recovery is recorded, too */
	CHAIN_STATES = 12,
	TMPFS_BYTES = 1 << 30,
};

struct image {
	uint8_t *data;
	size_t size;
	size_t room;
};

struct state {
	struct record_names names;
	struct image images[RECORD_FILES_MAX];
	size_t pending_count;
	size_t *pending; /* indexes of ops */
};

/* What is sabotaged in our idea of the disk. */
enum disk_kind {
	DISK_GOOD,
	DISK_NO_FLUSH,
	DISK_NO_FOLDER_FLUSH,
};

struct row {
	uint64_t moments;
	uint64_t states;
	uint64_t chained; /* of them: in the middle of a recovery */
	uint64_t acknowledged;
	uint64_t violations;
	double space;
};

struct program {
	struct victim_program victim;
	const char *recorder;
	const char *fast_days;
	enum victim_commit commit;
	uint64_t seed;
	uint64_t states;
	enum disk_kind disk;
	struct record record;
	/* In a chain: what was recorded before, up to which moment, and the disk it left. */
	const struct record *before;
	size_t before_moment;
	const struct state *base;
	struct row *row; /* shared by the workers */
};

/* Is this name directly in that folder? */
static bool is_in(const char *path, const char *folder)
{
	size_t size = strlen(folder);
	const char *rest = path;

	if (size > 0) {
		if (strncmp(path, folder, size) != 0 || path[size] != '/')
			return false;
		rest = path + size + 1;
	}
	return strchr(rest, '/') == NULL;
}

static void apply_bytes(struct image *image, uint64_t at, const uint8_t *data, uint64_t size)
{
	if (at + size == 0)
		return;
	if (at + size > image->room) {
		size_t room = 2 * (at + size) + BLOCK;

		image->data = realloc(image->data, room);
		HF_ASSERT(image->data != NULL);
		memset(image->data + image->room, 0, room - image->room);
		image->room = room;
	}
	if (size > 0)
		memcpy(image->data + at, data, size);
	if (at + size > image->size)
		image->size = at + size;
}

static void apply_size(struct image *image, uint64_t size)
{
	static const uint8_t none;

	if (size > image->size) {
		apply_bytes(image, size, &none, 0);
		return;
	}
	if (image->data != NULL)
		memset(image->data + size, 0, image->size - size);
	image->size = size;
}

enum torn {
	TORN_NOT,
	TORN_HEAD,    /* its beginning is there */
	TORN_TAIL,    /* its end is */
	TORN_GARBAGE, /* one block of it is neither */
	TORN_FORMS,
};

static void apply_torn(struct image *image, const struct record_step *op, enum torn torn,
		       uint64_t *chance)
{
	uint64_t first = op->at / SECTOR, last = (op->at + op->size - 1) / SECTOR;
	uint64_t edge = load_between(chance, first, last) * SECTOR; /* a sector's beginning */
	uint64_t split = edge > op->at ? edge - op->at : 0;
	uint8_t garbage[BLOCK];

	if (split > op->size)
		split = op->size;
	switch (torn) {
	case TORN_NOT:
	case TORN_FORMS:
		apply_bytes(image, op->at, op->data, op->size);
		return;
	case TORN_HEAD:
		apply_bytes(image, op->at, op->data, split);
		return;
	case TORN_TAIL:
		apply_bytes(image, op->at + split, op->data + split, op->size - split);
		return;
	case TORN_GARBAGE:
		apply_bytes(image, op->at, op->data, op->size);
		for (size_t i = 0; i < sizeof garbage; i++)
			garbage[i] = (uint8_t)load_chance(chance);
		/* No more of it than this write was about: its neighbours were not touched. */
		edge = op->at + split;
		apply_bytes(image, edge, garbage,
			    op->size - split < BLOCK ? op->size - split : BLOCK);
		return;
	}
}

/* What of the pending things is on the disk. */
struct choice {
	bool keep_all; /* but the exceptions; else none but them */
	unsigned exceptions;
	size_t exception[DROPS_MAX]; /* among the pending ones */
	bool tear;
	uint64_t chance;
};

static bool is_kept(const struct choice *choice, size_t pending)
{
	for (unsigned i = 0; i < choice->exceptions; i++)
		if (choice->exception[i] == pending)
			return !choice->keep_all;
	return choice->keep_all;
}

static bool is_name_op(const struct record_step *op)
{
	return op->op == RECORD_OPEN || op->op == RECORD_RENAME || op->op == RECORD_UNLINK ||
	       op->op == RECORD_MKDIR;
}

static void apply_name(struct record_names *names, const struct record_step *op)
{
	struct record_name *from;

	switch (op->op) {
	case RECORD_OPEN:
		record_set_name(names, op->path, op->file);
		break;
	case RECORD_MKDIR:
		record_set_name(names, op->path, -1);
		break;
	case RECORD_UNLINK:
		record_set_name(names, op->path, -2);
		break;
	case RECORD_RENAME:
		from = record_find_name(names, op->path);
		if (from == NULL || from->file == -2)
			return; /* the name that was renamed is not there either */
		record_set_name(names, op->path2, from->file);
		record_find_name(names, op->path)->file = -2;
		break;
	case RECORD_WRITE:
	case RECORD_TRUNCATE:
	case RECORD_SYNC:
	case RECORD_ACK:
		break;
	}
}

static void apply_op(struct state *state, const struct record_step *op)
{
	if (is_name_op(op))
		apply_name(&state->names, op);
	else if (op->op == RECORD_WRITE)
		apply_bytes(&state->images[op->file], op->at, op->data, op->size);
	else if (op->op == RECORD_TRUNCATE)
		apply_size(&state->images[op->file], op->at);
}

/* A flush takes what is pending for a file, or for the names in a folder. */
static void flush(const struct program *program, struct state *state,
		  const struct record_step *sync)
{
	const struct record *r = &program->record;
	size_t left = 0;

	if (program->disk == DISK_NO_FLUSH ||
	    (program->disk == DISK_NO_FOLDER_FLUSH && sync->file == -1))
		return;
	for (size_t i = 0; i < state->pending_count; i++) {
		const struct record_step *op = &r->ops[state->pending[i]];
		bool taken;

		if (sync->file >= 0)
			taken = !is_name_op(op) && op->file == sync->file;
		else
			taken = is_name_op(op) &&
				is_in(op->op == RECORD_RENAME ? op->path2 : op->path, sync->path);
		if (taken)
			apply_op(state, op);
		else
			state->pending[left++] = state->pending[i];
	}
	state->pending_count = left;
}

/* What is durable after the first `moment` ops, and what is pending. */
static void go_to(const struct program *program, struct state *state, size_t moment)
{
	for (size_t i = 0; i < moment; i++) {
		const struct record_step *op = &program->record.ops[i];

		if (op->op == RECORD_SYNC)
			flush(program, state, op);
		else if (op->op != RECORD_ACK)
			state->pending[state->pending_count++] = i;
	}
}

static void settle(const struct program *program, struct state *state, struct choice *choice)
{
	for (size_t i = 0; i < state->pending_count; i++) {
		const struct record_step *op = &program->record.ops[state->pending[i]];
		enum torn torn = TORN_NOT;

		if (!is_kept(choice, i))
			continue;
		if (choice->tear && op->op == RECORD_WRITE && op->size > 0)
			torn = (enum torn)load_between(&choice->chance, 0, TORN_FORMS - 1);
		if (torn == TORN_NOT)
			apply_op(state, op);
		else
			apply_torn(&state->images[op->file], op, torn, &choice->chance);
	}
}

static bool has_folder(struct state *state, const char *path)
{
	char folder[256];
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return true;
	(void)snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
	struct record_name *name = record_find_name(&state->names, folder);
	return name != NULL && name->file == -1;
}

/* A folder with what is on that disk. */
static enum hf_code materialise(struct state *state, const char *data, const char *run,
				struct hf_err *err)
{
	char path[600];
	const char *const remove[] = { "rm", "-rf", data, run, NULL };
	int status;
	enum hf_code code = mounted_run(remove, NULL, &status, err);

	if (code != HF_OK)
		return code;
	if (mkdir(data, 0700) != 0)
		return hf_fail_errno(err, "make %s", data);
	/* Names of folders come before those in them. */
	for (size_t i = 0; i < state->names.count; i++) {
		const struct record_name *name = &state->names.list[i];

		if (name->file == -2 || !has_folder(state, name->path))
			continue;
		(void)snprintf(path, sizeof path, "%s/%s", data, name->path);
		if (name->file == -1) {
			if (mkdir(path, 0750) != 0)
				return hf_fail_errno(err, "make %s", path);
			continue;
		}
		const struct image *image = &state->images[name->file];
		HF_AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
		if (fd < 0 || ftruncate(fd, (off_t)image->size) != 0 ||
		    (image->size > 0 &&
		     pwrite(fd, image->data, image->size, 0) != (ssize_t)image->size))
			return hf_fail_errno(err, "make %s", path);
	}
	return HF_OK;
}

static void remember_record(const struct record *r, size_t moment, struct load *load)
{
	for (size_t i = 0; i < moment; i++) {
		struct hf_origin origin;
		struct hf_err err;
		struct hf_ack ack;
		unsigned producer;

		if (r->ops[i].op != RECORD_ACK)
			continue;
		memcpy(&ack, r->ops[i].data, sizeof ack);
		if (ack.outcome != HF_ACK_COMMITTED ||
		    hf_origin_parse(ack.origin, &origin, &err) != HF_OK)
			continue;
		struct load_event *event = load_find(load, &origin, &producer);
		HF_ASSERT(event != NULL);
		event->local_seq = ack.local_seq;
		if (ack.local_seq > load->seq_max)
			load->seq_max = ack.local_seq;
	}
}

/* What was acknowledged before that moment; everything of the run may be there. */
static void remember_acks(const struct program *program, size_t moment, struct load *load)
{
	for (unsigned i = 0; i < PRODUCERS; i++) {
		struct load_producer *p = &load->producers[i];

		p->events = calloc(EVENTS + 2, sizeof *p->events);
		HF_ASSERT(p->events != NULL);
		p->room = EVENTS + 2;
		p->offered = EVENTS;
	}
	if (program->before != NULL)
		remember_record(program->before, program->before_moment, load);
	remember_record(&program->record, moment, load);
	for (unsigned i = 0; i < PRODUCERS; i++) {
		struct load_producer *p = &load->producers[i];

		while (p->answered < p->offered && p->events[p->answered + 1].local_seq != 0)
			p->answered++;
	}
}

static void free_state(struct state *state)
{
	for (unsigned i = 0; i < RECORD_FILES_MAX; i++)
		free(state->images[i].data);
	free(state->pending);
	free(state);
}

/* The n-th choice of a moment: all, none, then chance. */
static struct choice draw(uint64_t n, size_t pending, uint64_t *chance)
{
	struct choice choice = { .keep_all = n == 0, .chance = load_chance(chance) };

	if (n < 2)
		return choice;
	choice.keep_all = load_between(chance, 0, 1) == 0;
	choice.tear = load_between(chance, 0, 2) > 0;
	unsigned most = pending < DROPS_MAX ? (unsigned)pending : DROPS_MAX;
	choice.exceptions = (unsigned)load_between(chance, 0, most);
	for (unsigned i = 0; i < choice.exceptions; i++)
		/* What was done last is what is in doubt most. */
		choice.exception[i] =
			load_between(chance, 0, 1) == 0
				? (size_t)load_between(chance, 0, pending - 1)
				: pending - 1 - (size_t)load_between(chance, 0, most - 1);
	return choice;
}

static double space_of(size_t pending)
{
	double p = (double)pending;
	double subsets = 1 + p + p * (p - 1) / 2 + p * (p - 1) * (p - 2) / 6;

	return 2 * subsets * TORN_FORMS;
}

/* For a person: the disk as it was before keeper started on it, and what keeper said. */
static void keep_disk(const struct program *program, struct state *state)
{
	const char *temp = getenv("TMPDIR");
	char kept[192], log[192], command[1200];
	const char *const argv[] = { "sh", "-c", command, NULL };
	struct hf_err err;
	int status;

	(void)snprintf(kept, sizeof kept, "%s/holdfast-replay", temp != NULL ? temp : "/tmp");
	(void)snprintf(log, sizeof log, "%s/log", program->victim.folder);
	(void)snprintf(command, sizeof command,
		       "rm -rf %s.after; cp -a %s/data %s.after; cp %s %s.log", kept,
		       program->victim.folder, kept, log, kept);
	if (mounted_run(argv, NULL, &status, &err) == HF_OK &&
	    materialise(state, kept, log, &err) == HF_OK)
		printf("  kept: %s, .after and .log\n", kept);
}

/* The disk of one choice at one moment. */
static struct state *make_state(const struct program *program, size_t moment, uint64_t n,
				uint64_t chance)
{
	struct state *state = calloc(1, sizeof *state);

	HF_ASSERT(state != NULL);
	state->pending = calloc(moment + 1, sizeof *state->pending);
	HF_ASSERT(state->pending != NULL);
	if (program->base != NULL) {
		state->names = program->base->names;
		for (unsigned i = 0; i < RECORD_FILES_MAX; i++)
			apply_bytes(&state->images[i], 0, program->base->images[i].data,
				    program->base->images[i].size);
	}
	go_to(program, state, moment);
	struct choice choice = draw(n, state->pending_count, &chance);
	settle(program, state, &choice);
	return state;
}

/* On that disk, with what was acknowledged until then. */
static struct victim *make_victim(const struct program *program, size_t moment, uint64_t chance,
				  struct state *state)
{
	struct victim *v = calloc(1, sizeof *v);
	struct hf_err err = { 0 };
	char log[192], run[192];

	HF_ASSERT(v != NULL);
	*v = (struct victim){ .program = &program->victim,
			      .commit = program->commit,
			      .seed = program->seed,
			      .lives = program->base != NULL ? 20 : 10,
			      .rot_allowed = true,
			      .chance = chance,
			      .fs.loop_fd = -1 };
	v->host.child = HF_CHILD_NONE;
	(void)snprintf(v->data, sizeof v->data, "%s/data", program->victim.folder);
	(void)snprintf(run, sizeof run, "%s/run", program->victim.folder);
	(void)snprintf(log, sizeof log, "%s/log", program->victim.folder);
	v->log_fd = open(log, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	load_begin(&v->load, program->seed);
	remember_acks(program, moment, &v->load);
	if (materialise(state, v->data, run, &err) != HF_OK)
		recovered_violation(&v->recovered, "%s", err.text);
	return v;
}

/* One disk: a keeper starts on it. */
static void try_state(struct program *program, size_t moment, uint64_t n, uint64_t chance)
{
	struct row *row = program->row;
	struct state *state = make_state(program, moment, n, chance);
	struct victim *v = make_victim(program, moment, chance, state);

	victim_add(&row->acknowledged, load_acknowledged(&v->load));
	if (v->recovered.violations == 0)
		(void)victim_recover(v);
	victim_add(&row->states, 1);
	victim_add(&row->chained, program->base != NULL);
	victim_add(&row->violations, v->recovered.violations);
	if (v->recovered.violations > 0 && program->disk == DISK_GOOD &&
	    program->victim.kept++ < 3) {
		printf("  seed %" PRIu64 ", moment %zu, choice %" PRIu64 "%s, %zu pending:\n%s",
		       program->seed, moment, n, program->base != NULL ? " of a recovery" : "",
		       state->pending_count, v->recovered.text);
		keep_disk(program, state);
	}
	free_state(state);
	victim_free(v);
}

static bool is_moment(const struct record *r, size_t moment);

/* The recovery from that disk is recorded in its turn, and the power goes in the middle of it. */
static void try_chain(struct program *program, size_t moment, uint64_t n, uint64_t chance)
{
	struct program second = *program;
	struct state *base = make_state(program, moment, n, chance);
	struct victim *v = make_victim(program, moment, chance, base);
	struct hf_err err = { 0 };
	struct hf_exit how;
	char path[192];

	(void)snprintf(path, sizeof path, "%s/record", program->victim.folder);
	(void)unlink(path);
	load_reconnect(&v->load, VICTIM_AGAIN);
	(void)setenv("HOLDFAST_RECORD", path, 1);
	enum hf_code code = victim_spawn(v, program->recorder, &err);
	(void)unsetenv("HOLDFAST_RECORD");
	if (code == HF_OK)
		code = hf_spawn_start(&v->host.child, &err);
	if (code == HF_OK)
		code = load_settle(&v->load, &v->host, VICTIM_SETTLE_MS, &err);
	if (code == HF_OK)
		code = keeper_host_stop(&v->host, &how, &err);
	second.before = &program->record;
	second.before_moment = moment;
	second.base = base;
	second.record = (struct record){ .file_count = program->record.file_count };
	if (code == HF_OK)
		code = record_read(path, v->data, &base->names, &second.record, &err);
	victim_free(v);
	for (unsigned i = 0; code == HF_OK && i < CHAIN_STATES; i++) {
		size_t at = (size_t)load_between(&chance, 0, second.record.op_count);

		if (is_moment(&second.record, at))
			try_state(&second, at, load_between(&chance, 0, 20), load_chance(&chance));
	}
	if (code != HF_OK) {
		printf("  a recovery could not be recorded: %s\n", err.text);
		victim_add(&program->row->violations, 1);
	}
	program->victim.kept = second.victim.kept;
	record_free(&second.record);
	free_state(base);
}

static bool is_moment(const struct record *r, size_t moment)
{
	/* Between two answers nothing of the disk changes; the later one says more. */
	return moment == r->op_count || r->ops[moment].op != RECORD_ACK;
}

static int work(void *context, unsigned worker)
{
	struct program *program = context;
	const struct record *r = &program->record;
	char folder[128];
	uint64_t moments = 0, number = 0;

	(void)snprintf(folder, sizeof folder, "%.90s/w%u", program->victim.folder, worker);
	memcpy(program->victim.folder, folder, sizeof folder);
	if (mkdir(folder, 0700) != 0)
		return 1;
	for (size_t m = 0; m <= r->op_count; m++)
		moments += is_moment(r, m);
	uint64_t each = program->states / moments + 1;
	for (size_t m = 0; m <= r->op_count; m++) {
		if (!is_moment(r, m))
			continue;
		for (uint64_t n = 0; n < each; n++) {
			uint64_t chance = program->seed ^ (m << 20) ^ n;

			if (number++ % WORKERS != worker)
				continue;
			/* A sabotaged disk needs to be caught once. */
			if (program->disk != DISK_GOOD && program->row->violations > 0)
				return 0;
			try_state(program, m, n, load_chance(&chance));
			if (program->disk == DISK_GOOD && number % CHAIN_EVERY < WORKERS)
				try_chain(program, m, n, load_chance(&chance));
		}
	}
	return 0;
}

/* One life of keeper, recorded. */
static enum hf_code make_record(struct program *program, struct hf_err *err)
{
	/* From frames of one slot to batches that go to the day file at once. */
	const unsigned window = (const unsigned[]){ 2, 6, 20 }[program->seed % 3];
	char path[192], preload[512];
	struct hf_exit how;
	struct victim *v = calloc(1, sizeof *v);

	HF_ASSERT(v != NULL);
	*v = (struct victim){ .program = &program->victim,
			      .commit = program->commit,
			      .seed = program->seed,
			      .log_fd = -1,
			      .fs.loop_fd = -1 };
	v->host.child = HF_CHILD_NONE;
	(void)snprintf(v->data, sizeof v->data, "%s/recorded", program->victim.folder);
	(void)snprintf(path, sizeof path, "%s/record", program->victim.folder);
	(void)snprintf(preload, sizeof preload, "%s:%s", program->recorder, program->fast_days);
	if (mkdir(v->data, 0700) != 0)
		return hf_fail_errno(err, "make %s", v->data);
	load_begin(&v->load, program->seed);
	v->load.shape = (struct load_shape){ .producers = PRODUCERS,
					     .window = window,
					     .events_max = EVENTS };
	v->log_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	(void)setenv("HOLDFAST_RECORD", path, 1);
	enum hf_code code = victim_spawn(v, preload, err);
	(void)unsetenv("HOLDFAST_RECORD");
	if (code == HF_OK)
		code = hf_spawn_start(&v->host.child, err);
	if (code == HF_OK)
		code = load_complete(&v->load, &v->host, VICTIM_SETTLE_MS, err);
	if (code == HF_OK)
		code = keeper_host_stop(&v->host, &how, err);
	if (code == HF_OK)
		code = record_read(path, v->data, NULL, &program->record, err);
	victim_free(v);
	return code;
}

static int run_disk(struct program *program, enum disk_kind disk)
{
	static const char *const names[] = {
		[DISK_GOOD] = "as recorded",
		[DISK_NO_FLUSH] = "flushes count for nothing",
		[DISK_NO_FOLDER_FLUSH] = "folder flushes count for nothing",
	};
	struct row *row = program->row;

	memset(row, 0, sizeof *row);
	program->disk = disk;
	const char *const clean[] = { "sh", "-c", "rm -rf \"$0\"/w*", program->victim.folder,
				      NULL };
	struct hf_err err;
	int status;
	if (mounted_run(clean, NULL, &status, &err) != HF_OK)
		return 1;
	int how = victim_workers(WORKERS, work, program);
	struct state *state = calloc(1, sizeof *state);
	HF_ASSERT(state != NULL);
	state->pending = calloc(program->record.op_count + 1, sizeof *state->pending);
	HF_ASSERT(state->pending != NULL);
	for (size_t m = 0; m < program->record.op_count; m++) {
		const struct record_step *op = &program->record.ops[m];

		row->moments += is_moment(&program->record, m);
		if (is_moment(&program->record, m))
			row->space += space_of(state->pending_count);
		if (op->op == RECORD_SYNC)
			flush(program, state, op);
		else if (op->op != RECORD_ACK)
			state->pending[state->pending_count++] = m;
	}
	free_state(state);
	printf("  %-33s %7" PRIu64 " %10.2g %7" PRIu64 " %7" PRIu64 " %12" PRIu64 " %10" PRIu64
	       "%s\n",
	       names[disk], row->moments, row->space, row->states, row->chained, row->acknowledged,
	       row->violations, disk != DISK_GOOD ? "  (must be caught)" : "");
	(void)fflush(stdout);
	return how != 0 || (row->violations > 0) != (disk != DISK_GOOD) ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct program program = { 0 };
	struct hf_err err = { 0 };
	int bad = 0;

	if (argc < 7)
		return 2;
	program.victim.keeper = argv[1];
	program.victim.holdfast = argv[2];
	program.recorder = argv[3];
	program.fast_days = argv[4];
	program.commit = strcmp(argv[5], "file") == 0     ? VICTIM_FILE
			 : strcmp(argv[5], "either") == 0 ? VICTIM_EITHER
							  : VICTIM_RING;
	program.states = strtoull(argv[6], NULL, 10);
	program.seed = argc > 7 ? strtoull(argv[7], NULL, 10) : (uint64_t)time(NULL);
	program.row = mmap(NULL, sizeof *program.row, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (program.row == MAP_FAILED)
		return 2;
	(void)setenv("HOLDFAST_DAY_MS", "8", 1);
	victim_environment();
	if (mounted_enter(TMPFS_BYTES, program.victim.folder, &err) != HF_OK) {
		printf("skipped: the replay needs mounts: %s\n", err.text);
		return 77;
	}
	if (make_record(&program, &err) != HF_OK) {
		printf("the record: %s\n", err.text);
		mounted_leave(program.victim.folder);
		return 1;
	}
	printf("disks a power cut could leave (%s), of %zu recorded operations, seed %" PRIu64 "\n",
	       argv[5], program.record.op_count, program.seed);
	printf("  %-33s %7s %10s %7s %7s %12s %10s\n", "disk", "moments", "space", "tried",
	       "chained", "acknowledged", "violations");
	for (int disk = DISK_GOOD; disk <= DISK_NO_FOLDER_FLUSH; disk++)
		bad += run_disk(&program, (enum disk_kind)disk);
	mounted_leave(program.victim.folder);
	return bad > 0 ? 1 : 0;
}
