/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disk_log - a disk's own record of its writes and flushes, replayed up to every flush.
 *
 * Method      The record comes from an emulated disk (qemu's blklogwrites) on which a kernel of its
 *             own had a file system and the real keeper. For each flush (or write with FUA) an
 *             image is made of everything written before it, and of a part, by chance, of what
 *             was written between it and the next one: a disk with a cache may have stored
 *             any of that, whole or not at all. The image is mounted, the journal
 *             replayed, keeper started, and what was acknowledged up to the next flush is
 *             looked for. Acknowledgements stand on that disk too, behind the file system
 *             (marked.h), so their place among the flushes is exact.
 *
 *             What this shows and a file system's shutdown does not: that flushes reach the
 *             device at all, and before the acknowledgement.
 *
 * Honesty     At the end every second flush is taken for one that did not happen: an image of
 *             what was written up to the flush before, judged by the acknowledgements
 *             after it. That must be caught.
 *
 * Usage       disk_log KEEPER HOLDFAST LOG ext4|xfs ring|file OFFSET SEED EVENTS [EVERY]
 *             OFFSET: of the marks, also the size of the image. EVERY 5: each fifth flush
 */
#include "base/assert.h"
#include "base/auto.h"
#include "marked.h"
#include "victim.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum {
	SECTOR = 512,
	PRODUCERS = 3,
	WORKERS = 2,
	FLAG_FLUSH = 1,
	FLAG_FUA = 2,
	FLAG_DISCARD = 4,
	MARKS_BYTES = 16 << 20,
};

/* As the kernel's dm-log-writes has it; little-endian, one sector each. */
#define LOG_MAGIC UINT64_C(0x6a736677736872)

struct log_super {
	uint64_t magic;
	uint64_t version;
	uint64_t entries;
	uint32_t sector_bytes;
};

struct log_entry {
	uint64_t sector;
	uint64_t sectors;
	uint64_t flags;
	uint64_t data_bytes;
};

struct entry {
	uint64_t at; /* in the disk */
	uint64_t size;
	uint64_t flags;
	const uint8_t *data;
};

struct program {
	struct victim_program victim;
	enum mounted_kind kind;
	enum victim_commit commit;
	uint64_t seed;
	uint64_t offset;
	unsigned events; /* of each producer */
	unsigned every;
	bool sabotaged;
	size_t count;
	struct entry *entries;
	struct row *row; /* shared by the workers */
};

struct row {
	uint64_t flushes;
	uint64_t images;
	uint64_t acknowledged;
	uint64_t violations;
};

static enum hf_code read_log(struct program *program, const char *path, struct hf_err *err)
{
	struct log_super super;
	struct stat st;
	HF_AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) != 0 || (size_t)st.st_size < sizeof super)
		return hf_fail_errno(err, "open %s", path);
	const uint8_t *bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return hf_fail_errno(err, "map %s", path);
	memcpy(&super, bytes, sizeof super);
	if (super.magic != LOG_MAGIC || super.sector_bytes != SECTOR)
		return hf_fail(err, HF_E_INVALID, "%s is not a log of writes", path);
	program->entries = calloc(super.entries, sizeof *program->entries);
	HF_ASSERT(program->entries != NULL);
	for (uint64_t at = SECTOR; program->count < super.entries;) {
		struct log_entry entry;

		if (at + SECTOR > (uint64_t)st.st_size)
			return hf_fail(err, HF_E_INVALID, "%s ends early", path);
		memcpy(&entry, bytes + at, sizeof entry);
		at += SECTOR;
		uint64_t size = (entry.flags & FLAG_DISCARD) != 0 ? 0 : entry.sectors * SECTOR;
		if (at + size > (uint64_t)st.st_size)
			return hf_fail(err, HF_E_INVALID, "%s ends early", path);
		program->entries[program->count++] =
			(struct entry){ .at = entry.sector * SECTOR,
					.size = entry.sectors * SECTOR,
					.flags = entry.flags,
					.data = size > 0 ? bytes + at : NULL };
		at += size;
	}
	return HF_OK;
}

static void apply(const struct program *program, const struct entry *entry, uint8_t *disk)
{
	uint64_t room = program->offset + MARKS_BYTES;

	HF_ASSERT(entry->at <= room && entry->size <= room - entry->at);
	if (entry->data != NULL)
		memcpy(disk + entry->at, entry->data, entry->size);
	/* What was discarded may be anything; as it was is the unkindest. */
}

/* The acknowledgements among these entries; everything of the run may be there. */
static void take_marks(const struct program *program, size_t end, struct load *load)
{
	for (unsigned i = 0; i < PRODUCERS; i++) {
		struct load_producer *p = &load->producers[i];

		p->room = program->events + 2;
		p->events = calloc(p->room, sizeof *p->events);
		HF_ASSERT(p->events != NULL);
		p->offered = program->events;
	}
	for (size_t i = 0; i < end; i++) {
		const struct entry *entry = &program->entries[i];
		struct marked page;

		if (entry->at < program->offset || entry->data == NULL)
			continue;
		for (uint64_t at = 0; at + sizeof page <= entry->size; at += sizeof page) {
			memcpy(&page, entry->data + at, sizeof page);
			for (uint64_t k = 0; page.magic == MARKED_MAGIC && k < page.count; k++) {
				const struct marked_ack *ack = &page.acks[k];

				load->producers[ack->producer].events[ack->n].local_seq =
					ack->local_seq;
				if (ack->local_seq > load->seq_max)
					load->seq_max = ack->local_seq;
			}
		}
	}
	for (unsigned i = 0; i < PRODUCERS; i++) {
		struct load_producer *p = &load->producers[i];

		while (p->answered < p->offered && p->events[p->answered + 1].local_seq != 0)
			p->answered++;
	}
}

static enum hf_code write_image(const char *path, const uint8_t *disk, uint64_t size,
				struct hf_err *err)
{
	static const uint8_t zeros[65536];
	HF_AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || ftruncate(fd, (off_t)size) != 0)
		return hf_fail_errno(err, "make %s", path);
	for (uint64_t at = 0; at < size; at += sizeof zeros) {
		size_t piece = size - at < sizeof zeros ? (size_t)(size - at) : sizeof zeros;

		if (memcmp(disk + at, zeros, piece) != 0 &&
		    pwrite(fd, disk + at, piece, (off_t)at) != (ssize_t)piece)
			return hf_fail_errno(err, "write %s", path);
	}
	return HF_OK;
}

/* disk: everything before `flush`. */
static void try_image(struct program *program, const uint8_t *disk, size_t flush, size_t next,
		      bool some_more)
{
	struct row *row = program->row;
	struct hf_err err = { 0 };
	char log[192];
	struct victim *v = calloc(1, sizeof *v);
	uint8_t *copy = NULL;

	HF_ASSERT(v != NULL);
	*v = (struct victim){ .program = &program->victim,
			      .commit = program->commit,
			      .seed = program->seed,
			      .chance = program->seed ^ flush,
			      .lives = 10,
			      .fs = { .kind = program->kind, .loop_fd = -1 } };
	v->host.child = HF_CHILD_NONE;
	(void)snprintf(v->fs.image, sizeof v->fs.image, "%s/image", program->victim.folder);
	(void)snprintf(v->fs.path, sizeof v->fs.path, "%s/fs", program->victim.folder);
	(void)snprintf(v->data, sizeof v->data, "%s/data", v->fs.path);
	(void)snprintf(log, sizeof log, "%s/log", program->victim.folder);
	v->log_fd = open(log, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	load_begin(&v->load, program->seed);
	take_marks(program, next, &v->load);
	victim_add(&row->images, 1);
	victim_add(&row->acknowledged, load_acknowledged(&v->load));
	if (some_more) {
		copy = malloc(program->offset + MARKS_BYTES);
		HF_ASSERT(copy != NULL);
		memcpy(copy, disk, program->offset + MARKS_BYTES);
		for (size_t i = flush; i < next; i++)
			if (load_between(&v->chance, 0, 1) == 0)
				apply(program, &program->entries[i], copy);
	}
	(void)mkdir(v->fs.path, 0700);
	enum hf_code code =
		write_image(v->fs.image, some_more ? copy : disk, program->offset, &err);
	if (code == HF_OK)
		code = mounted_attach(&v->fs, &err);
	/* Before the first file system is whole there is none to mount, and nothing to lose. */
	if (code == HF_OK) {
		(void)mkdir(v->data, 0700);
		(void)victim_recover(v);
	} else if (load_acknowledged(&v->load) > 0) {
		recovered_violation(&v->recovered, "%s", err.text);
	}
	victim_add(&row->violations, v->recovered.violations);
	if (v->recovered.violations > 0 && !program->sabotaged && program->victim.kept++ < 3)
		printf("  flush at entry %zu%s:\n%s", flush, some_more ? " and some more" : "",
		       v->recovered.text);
	free(copy);
	victim_free(v);
}

static bool is_flush(const struct program *program, size_t i)
{
	return i == program->count || (program->entries[i].flags & (FLAG_FLUSH | FLAG_FUA)) != 0;
}

static int work(void *context, unsigned worker)
{
	struct program *program = context;
	uint8_t *disk = calloc(1, program->offset + MARKS_BYTES);
	char folder[128];
	size_t number = 0, done = 0;

	HF_ASSERT(disk != NULL);
	(void)snprintf(folder, sizeof folder, "%.90s/w%u", program->victim.folder, worker);
	memcpy(program->victim.folder, folder, sizeof folder);
	if (mkdir(folder, 0700) != 0 && !program->sabotaged)
		return 1;
	for (size_t i = 0; i < program->count; i++) {
		if (!is_flush(program, i))
			continue;
		/* A flush stands before its own data, FUA after: what comes with it counts as
		 * stored with a FUA only. */
		size_t end = i + ((program->entries[i].flags & FLAG_FUA) != 0 ? 1 : 0);
		size_t next = i + 1;

		while (!is_flush(program, next))
			next++;
		if (program->sabotaged) {
			/* The one that did not happen, and what was acknowledged after it. */
			for (next++; next < program->count && !is_flush(program, next);)
				next++;
		}
		if (next > program->count)
			next = program->count;
		number++;
		if (number % program->every != 0 || number / program->every % WORKERS != worker)
			continue;
		if (program->sabotaged && program->row->violations > 0)
			break;
		for (; done < end; done++)
			apply(program, &program->entries[done], disk);
		victim_add(&program->row->flushes, 1);
		try_image(program, disk, end, next, false);
		if (!program->sabotaged)
			try_image(program, disk, end, next, true);
	}
	free(disk);
	return 0;
}

int main(int argc, char **argv)
{
	struct program program = { 0 };
	struct hf_err err = { 0 };
	int bad = 0;

	if (argc < 9)
		return 2;
	program.victim.keeper = argv[1];
	program.victim.holdfast = argv[2];
	program.kind = strcmp(argv[4], "xfs") == 0 ? MOUNTED_XFS : MOUNTED_EXT4;
	program.commit = strcmp(argv[5], "file") == 0 ? VICTIM_FILE : VICTIM_RING;
	program.offset = strtoull(argv[6], NULL, 10);
	program.seed = strtoull(argv[7], NULL, 10);
	program.events = (unsigned)strtoul(argv[8], NULL, 10) / PRODUCERS;
	program.every = argc > 9 ? (unsigned)strtoul(argv[9], NULL, 10) : 1;
	program.row = mmap(NULL, sizeof *program.row, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (program.row == MAP_FAILED || program.every == 0)
		return 2;
	if (read_log(&program, argv[3], &err) != HF_OK) {
		printf("%s\n", err.text);
		return 1;
	}
	if (mounted_enter(UINT64_C(3) << 30, program.victim.folder, &err) != HF_OK) {
		printf("skipped: the replay needs mounts: %s\n", err.text);
		return 77;
	}
	for (int sabotaged = 0; sabotaged < 2; sabotaged++) {
		memset(program.row, 0, sizeof *program.row);
		program.sabotaged = sabotaged != 0;
		int how = victim_workers(WORKERS, work, &program);
		const struct row *row = program.row;

		printf("  %-5s %-4s %6zu entries, %5" PRIu64 " flushes, %5" PRIu64
		       " images, %8" PRIu64 " acknowledged, %4" PRIu64 " violations%s\n",
		       argv[4], argv[5], program.count, row->flushes, row->images,
		       row->acknowledged, row->violations,
		       program.sabotaged ? " (a flush left out: must be caught)" : "");
		bad += how != 0 || (row->violations > 0) != program.sabotaged || row->images == 0;
	}
	mounted_leave(program.victim.folder);
	return bad > 0 ? 1 : 0;
}
