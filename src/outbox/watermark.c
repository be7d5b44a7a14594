/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: the writer makes the sequence odd, writes, makes it even. A reader
 * copies between two reads of the same even sequence. The CRC is for what a
 * sequence cannot tell: a page left by another build or another boot, or by a
 * writer that was killed between the two.
 */
#include "outbox/watermark.h"

#include "base/assert.h"
#include "base/auto.h"
#include "base/crc32c.h"

#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum {
	MAP_BYTES = 4096,
	MAGIC = 0x68665732, /* "hfW2" */
	READ_ATTEMPTS = 1000,
};

struct payload {
	char boot_id[HF_BOOT_ID_BYTES + 3];
	uint64_t keeper_run;
	struct hf_watermark watermark;
};

struct shared {
	uint32_t magic;
	_Atomic uint32_t sequence;
	uint32_t crc32c; /* of the payload */
	uint32_t unused;
	struct payload payload;
};

_Static_assert(sizeof(struct shared) <= MAP_BYTES, "one page");

struct hf_watermark_page {
	struct shared *shared;
	char boot_id[HF_BOOT_ID_BYTES];
	uint64_t keeper_run;
};

static enum hf_code map_page(const char *run_path, bool writable, struct hf_watermark_page *page,
			     struct hf_err *err)
{
	char path[PATH_MAX];
	struct stat st;

	if ((size_t)snprintf(path, sizeof path, "%s/committed", run_path) >= sizeof path)
		return hf_fail(err, HF_E_LIMIT, "path too long: %s", run_path);
	int flags = writable ? O_RDWR | O_CREAT : O_RDONLY;
	HF_AUTO_FD fd = open(path, flags | O_NOFOLLOW | O_CLOEXEC, 0640);
	if (fd < 0)
		return hf_fail_errno(err, "open %s", path);
	/* Never shrunk: that would kill a reader that has it mapped. */
	if (writable && posix_fallocate(fd, 0, MAP_BYTES) != 0)
		return hf_fail(err, HF_E_NOSPACE, "no room for %s", path);
	if (fstat(fd, &st) != 0)
		return hf_fail_errno(err, "%s", path);
	if (!S_ISREG(st.st_mode) || st.st_size < MAP_BYTES)
		return hf_fail(err, HF_E_NOENT, "%s is not made yet", path);
	void *map = mmap(NULL, MAP_BYTES, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED,
			 fd, 0);
	if (map == MAP_FAILED)
		return hf_fail_errno(err, "map %s", path);
	page->shared = map;
	return HF_OK;
}

static enum hf_code page_open(const char *run_path, const char *boot_id, uint64_t keeper_run,
			      bool writable, struct hf_watermark_page **ret_page,
			      struct hf_err *err)
{
	struct hf_watermark_page *page = calloc(1, sizeof *page);

	if (page == NULL)
		return hf_fail(err, HF_E_NOMEM, "out of memory");
	(void)snprintf(page->boot_id, sizeof page->boot_id, "%s", boot_id);
	page->keeper_run = keeper_run;
	enum hf_code code = map_page(run_path, writable, page, err);
	if (code != HF_OK) {
		free(page);
		return code;
	}
	*ret_page = page;
	return HF_OK;
}

enum hf_code hf_watermark_create(const char *run_path, const char *boot_id, uint64_t keeper_run,
				 struct hf_watermark_page **ret_page, struct hf_err *err)
{
	return page_open(run_path, boot_id, keeper_run, true, ret_page, err);
}

enum hf_code hf_watermark_open(const char *run_path, const char *boot_id,
			       struct hf_watermark_page **ret_page, struct hf_err *err)
{
	return page_open(run_path, boot_id, 0, false, ret_page, err);
}

void hf_watermark_close(struct hf_watermark_page *page)
{
	if (page == NULL)
		return;
	(void)munmap(page->shared, MAP_BYTES);
	free(page);
}

void hf_watermark_publish(struct hf_watermark_page *page, const struct hf_watermark *watermark)
{
	struct shared *shared = page->shared;
	struct payload payload;
	/* Whatever the last writer left, odd or even: odd now, even after. */
	uint32_t odd = atomic_load_explicit(&shared->sequence, memory_order_relaxed) | 1;

	memset(&payload, 0, sizeof payload);
	memcpy(payload.boot_id, page->boot_id, sizeof page->boot_id);
	payload.keeper_run = page->keeper_run;
	payload.watermark.order_seq = watermark->order_seq;
	payload.watermark.offset = watermark->offset;
	payload.watermark.seq = watermark->seq;
	payload.watermark.flushed = watermark->flushed;
	(void)snprintf(payload.watermark.file, sizeof payload.watermark.file, "%s",
		       watermark->file);

	atomic_store_explicit(&shared->sequence, odd, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	shared->payload = payload;
	shared->crc32c = hf_crc32c(0, &payload, sizeof payload);
	shared->magic = MAGIC;
	atomic_store_explicit(&shared->sequence, odd + 1, memory_order_release);
}

enum hf_code hf_watermark_read(const struct hf_watermark_page *page,
			       struct hf_watermark *ret_watermark, struct hf_err *err)
{
	const struct shared *shared = page->shared;

	for (int i = 0; i < READ_ATTEMPTS; i++) {
		uint32_t before = atomic_load_explicit(&shared->sequence, memory_order_acquire);
		if ((before & 1) != 0)
			continue;
		uint32_t magic = shared->magic;
		uint32_t crc = shared->crc32c;
		struct payload payload;
		memcpy(&payload, &shared->payload, sizeof payload);
		atomic_thread_fence(memory_order_acquire);
		if (atomic_load_explicit(&shared->sequence, memory_order_relaxed) != before)
			continue;
		if (magic != MAGIC || crc != hf_crc32c(0, &payload, sizeof payload))
			return hf_fail(err, HF_E_AGAIN, "the committed watermark does not verify");
		if (strncmp(payload.boot_id, page->boot_id, sizeof page->boot_id) != 0)
			return hf_fail(err, HF_E_AGAIN,
				       "the committed watermark is of another boot");
		*ret_watermark = payload.watermark;
		return HF_OK;
	}
	return hf_fail(err, HF_E_AGAIN, "the committed watermark is being written");
}
