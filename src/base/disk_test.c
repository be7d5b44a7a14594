/* SPDX-License-Identifier: Apache-2.0 */
/* The real disk, and the promises both disks make to what is built on them. */
#include "base/disk.h"

#include "base/auto.h"
#include "fake_disk.h"
#include "test.h"

#include <ftw.h>
#include <string.h>
#include <sys/stat.h>

static struct hf_err err;
static char folder[64];

static int make_folder(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof folder, "/tmp/holdfast-disk-XXXXXX");
	return mkdtemp(folder) == NULL;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st;
	(void)type;
	(void)walk;
	return remove(path);
}

static int remove_folder(void **state)
{
	(void)state;
	return nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static bool count_entry(void *context, const struct hf_disk_entry *entry)
{
	unsigned *counts = context;

	counts[entry->folder ? 1 : 0]++;
	return true;
}

/* What every disk must do; the fake is worth nothing where it does not. */
static void keep_promises(struct hf_disk *disk)
{
	char text[16];
	size_t got;
	uint64_t size;
	int file, second;
	unsigned counts[2] = { 0 };
	struct hf_disk_lister lister = { .entry = count_entry, .context = counts };

	CHECK_CODE(hf_disk_open(disk, "a/b", HF_DISK_CREATE, &file, &err), HF_E_NOENT);
	CHECK_OK(hf_disk_folder_ensure(disk, "a", &err));
	CHECK_OK(hf_disk_folder_ensure(disk, "a", &err));
	CHECK_CODE(hf_disk_open(disk, "a/b", HF_DISK_WRITE, &file, &err), HF_E_NOENT);
	CHECK_OK(hf_disk_open(disk, "a/b", HF_DISK_CREATE, &file, &err));
	CHECK_CODE(hf_disk_open(disk, "a/b", HF_DISK_CREATE, &second, &err), HF_E_INVALID);
	CHECK_OK(hf_disk_reserve(disk, file, 0, 65536, &err));
	CHECK_OK(hf_disk_size(disk, file, &size, &err));
	CHECK_U64(size, ==, 0);
	CHECK_U64(hf_disk_block_bytes(disk), >=, 4096);
	CHECK_U64(hf_disk_block_bytes(disk), <=, 16384);
	CHECK_OK(hf_disk_links(disk, file, &size, &err));
	CHECK_U64(size, ==, 1);
	CHECK_OK(hf_disk_write(disk, file, 0, "abcdef", 6, &err));
	CHECK_OK(hf_disk_write(disk, file, 8, "ij", 2, &err));
	CHECK_OK(hf_disk_sync(disk, file, &err));
	hf_disk_forget(disk, file);
	CHECK_OK(hf_disk_read(disk, file, 4, text, sizeof text, &got, &err));
	CHECK_U64(got, ==, 6);
	assert_memory_equal(text, "ef\0\0ij", 6);
	CHECK_OK(hf_disk_read(disk, file, 100, text, sizeof text, &got, &err));
	CHECK_U64(got, ==, 0);
	CHECK_OK(hf_disk_truncate(disk, file, 3, &err));
	CHECK_OK(hf_disk_size(disk, file, &size, &err));
	CHECK_U64(size, ==, 3);
	hf_disk_close(disk, file);

	CHECK_OK(hf_disk_text_replace(disk, "a/c", "first", &err));
	CHECK_OK(hf_disk_text_replace(disk, "a/c", "2nd", &err));
	CHECK_OK(hf_disk_text_read(disk, "a/c", text, sizeof text, &err));
	CHECK_TEXT(text, "2nd");
	CHECK_CODE(hf_disk_text_read(disk, "a/c", text, 3, &err), HF_E_LIMIT);
	CHECK_OK(hf_disk_list(disk, "a", &lister, &err));
	CHECK_U64(counts[0], ==, 2);
	CHECK_OK(hf_disk_list(disk, ".", &lister, &err));
	CHECK_U64(counts[1], ==, 1);
	lister.names_only = true;
	CHECK_OK(hf_disk_list(disk, "a", &lister, &err));
	CHECK_U64(counts[0], ==, 4);
	CHECK_U64(counts[1], ==, 1);
	CHECK_CODE(hf_disk_list(disk, "none", &lister, &err), HF_E_NOENT);

	CHECK_OK(hf_disk_rename(disk, "a/b", "a/d", &err));
	CHECK_CODE(hf_disk_unlink(disk, "a/b", &err), HF_E_NOENT);
	CHECK_OK(hf_disk_unlink(disk, "a/d", &err));
	CHECK_OK(hf_disk_lock(disk, "a/lock", &file, &err));
	CHECK_CODE(hf_disk_lock(disk, "a/lock", &second, &err), HF_E_AGAIN);
	hf_disk_close(disk, file);
	CHECK_OK(hf_disk_lock(disk, "a/lock", &file, &err));
	hf_disk_close(disk, file);
	CHECK_OK(hf_disk_free_space(disk, &size, &err));
	CHECK_U64(size, >, 0);
}

TEST(the_real_disk_keeps_its_promises)
{
	struct hf_disk *disk;

	CHECK_OK(hf_disk_real_open(folder, &disk, &err));
	keep_promises(disk);
	hf_disk_real_close(disk);
}

TEST(the_fake_disk_keeps_the_same_promises)
{
	struct hf_disk *disk = fake_disk_new(1);

	keep_promises(disk);
	fake_disk_free(disk);
}

TEST(a_symbolic_link_is_not_followed)
{
	struct hf_disk *disk;
	char path[96];
	int file;

	(void)snprintf(path, sizeof path, "%s/link", folder);
	CHECK(symlink("/etc/hostname", path) == 0);
	CHECK_OK(hf_disk_real_open(folder, &disk, &err));
	CHECK_CODE(hf_disk_open(disk, "link", HF_DISK_READ, &file, &err), HF_E_INVALID);
	CHECK_CODE(hf_disk_open(disk, "link", HF_DISK_REPLACE, &file, &err), HF_E_INVALID);
	hf_disk_real_close(disk);
}

static size_t size_after_cut(uint64_t seed, bool synced, bool folder_synced)
{
	struct hf_disk *disk = fake_disk_new(seed);
	size_t size = 0;
	int file;

	CHECK_OK(hf_disk_folder_ensure(disk, "a", &err));
	CHECK_OK(hf_disk_open(disk, "a/b", HF_DISK_CREATE, &file, &err));
	CHECK_OK(hf_disk_write(disk, file, 0, "0123456789", 10, &err));
	if (synced)
		CHECK_OK(hf_disk_sync(disk, file, &err));
	if (folder_synced)
		CHECK_OK(hf_disk_folder_sync(disk, "a", &err));
	fake_disk_power_up(disk, seed);
	if (fake_disk_bytes(disk, "a/b", &size) == NULL)
		size = 1000;
	fake_disk_free(disk);
	return size;
}

TEST(the_fake_disk_loses_only_what_was_not_synced)
{
	bool whole = false, part = false, nothing = false, no_name = false;

	for (uint64_t seed = 1; seed <= 200; seed++) {
		CHECK_U64(size_after_cut(seed, true, true), ==, 10);
		size_t size = size_after_cut(seed, false, true);
		whole = whole || size == 10;
		part = part || (size > 0 && size < 10);
		nothing = nothing || size == 0;
		no_name = no_name || size_after_cut(seed, true, false) == 1000;
	}
	CHECK(whole && part && nothing && no_name);
}

TEST(after_a_failed_sync_the_next_one_succeeds_and_stores_nothing)
{
	bool lost = false;

	for (uint64_t seed = 1; seed <= 50; seed++) {
		struct hf_disk *disk = fake_disk_new(seed);
		size_t size;
		int file;

		CHECK_OK(hf_disk_open(disk, "b", HF_DISK_CREATE, &file, &err));
		CHECK_OK(hf_disk_folder_sync(disk, ".", &err));
		CHECK_OK(hf_disk_write(disk, file, 0, "0123456789", 10, &err));
		fake_disk_fail(disk, FAKE_DISK_SYNC, 1, 1, HF_E_IO);
		CHECK_CODE(hf_disk_sync(disk, file, &err), HF_E_IO);
		CHECK_OK(hf_disk_sync(disk, file, &err));
		(void)fake_disk_bytes(disk, "b", &size);
		CHECK_U64(size, ==, 10);
		hf_disk_forget(disk, file);
		(void)fake_disk_bytes(disk, "b", &size);
		lost = lost || size == 0;
		fake_disk_free(disk);
	}
	CHECK(lost);
}

TEST(room_that_was_reserved_is_there_when_the_disk_is_full)
{
	struct hf_disk *disk = fake_disk_new(1);
	int file, other;

	fake_disk_capacity(disk, 1000);
	CHECK_OK(hf_disk_open(disk, "b", HF_DISK_CREATE, &file, &err));
	CHECK_OK(hf_disk_open(disk, "c", HF_DISK_CREATE, &other, &err));
	CHECK_CODE(hf_disk_reserve(disk, file, 0, 1001, &err), HF_E_NOSPACE);
	CHECK_OK(hf_disk_reserve(disk, file, 0, 995, &err));
	CHECK_CODE(hf_disk_write(disk, other, 0, "0123456789", 10, &err), HF_E_NOSPACE);
	CHECK_OK(hf_disk_write(disk, file, 500, "0123456789", 10, &err));
	/* A truncate gives the rest back. */
	CHECK_OK(hf_disk_truncate(disk, file, 510, &err));
	CHECK_OK(hf_disk_write(disk, other, 0, "0123456789", 10, &err));
	fake_disk_free(disk);
}

#define RUN_IN_FOLDER(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

TESTS(RUN_IN_FOLDER(the_real_disk_keeps_its_promises), RUN(the_fake_disk_keeps_the_same_promises),
      RUN_IN_FOLDER(a_symbolic_link_is_not_followed),
      RUN(the_fake_disk_loses_only_what_was_not_synced),
      RUN(after_a_failed_sync_the_next_one_succeeds_and_stores_nothing),
      RUN(room_that_was_reserved_is_there_when_the_disk_is_full))
