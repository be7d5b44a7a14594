/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * disk - the few operations whose order decides what a power cut may take.
 *
 * Shape       One folder and what is below it. Paths are relative to it
 *             ("outbox/2026-04-20.jsonl"; "." is the folder itself). The last
 *             part of a path is never followed when it is a symbolic link.
 *             Files are small integers that belong to the disk they came from.
 *
 * Durability  Bytes survive a power cut after hf_disk_sync() of the file
 *             returned HF_OK; a name (new, renamed, removed) after
 *             hf_disk_folder_sync() of its folder did. A sync that failed says
 *             nothing about what is stored, and asking again on that file says
 *             nothing either: the kernel forgets what it could not write.
 *
 * Owners      Single-threaded. test/lib/fake_disk.h is the other one: it holds
 *             back what is not synced and loses it on demand.
 *
 * Errors      As errno says (base/err.h). HF_E_NOSPACE from a write: some of
 *             the bytes may be there. HF_E_AGAIN from lock: someone holds it.
 *             HF_E_INVALID from open with HF_DISK_CREATE: the name is taken.
 */
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct hf_disk;

enum hf_disk_how {
	HF_DISK_READ,    /* must exist */
	HF_DISK_WRITE,   /* must exist; reads and writes */
	HF_DISK_CREATE,  /* must not exist; reads and writes */
	HF_DISK_REPLACE, /* made, or emptied; reads and writes */
};

enum {
	HF_DISK_PATH_BYTES = 256, /* with the NUL */
};

struct hf_disk_entry {
	const char *name; /* borrowed: valid for the call */
	uint64_t size_bytes;
	int64_t modified_s; /* seconds since 1970 by the wall clock of then */
	bool folder;
};

/* Called once an entry, in no order. Returning false ends the listing. */
struct hf_disk_lister {
	bool (*entry)(void *context, const struct hf_disk_entry *entry);
	void *context;
	bool names_only; /* sizes and times may be 0: asking for them reads each file's inode */
};

struct hf_disk_ops {
	enum hf_code (*open)(struct hf_disk *disk, const char *path, enum hf_disk_how how,
			     int *ret_file, struct hf_err *err);
	void (*close)(struct hf_disk *disk, int file);
	enum hf_code (*read)(struct hf_disk *disk, int file, uint64_t offset, void *ret_data,
			     size_t size_bytes, size_t *ret_bytes, struct hf_err *err);
	enum hf_code (*write)(struct hf_disk *disk, int file, uint64_t offset, const void *data,
			      size_t size_bytes, struct hf_err *err);
	enum hf_code (*sync)(struct hf_disk *disk, int file, struct hf_err *err);
	enum hf_code (*truncate)(struct hf_disk *disk, int file, uint64_t size_bytes,
				 struct hf_err *err);
	enum hf_code (*size)(struct hf_disk *disk, int file, uint64_t *ret_bytes,
			     struct hf_err *err);
	void (*forget)(struct hf_disk *disk, int file);
	enum hf_code (*rename)(struct hf_disk *disk, const char *from, const char *to,
			       struct hf_err *err);
	enum hf_code (*unlink)(struct hf_disk *disk, const char *path, struct hf_err *err);
	enum hf_code (*folder_make)(struct hf_disk *disk, const char *path, struct hf_err *err);
	enum hf_code (*folder_sync)(struct hf_disk *disk, const char *path, struct hf_err *err);
	enum hf_code (*list)(struct hf_disk *disk, const char *path,
			     const struct hf_disk_lister *lister, struct hf_err *err);
	enum hf_code (*lock)(struct hf_disk *disk, const char *path, int *ret_file,
			     struct hf_err *err);
	enum hf_code (*free_space)(struct hf_disk *disk, uint64_t *ret_bytes, struct hf_err *err);
	enum hf_code (*reserve)(struct hf_disk *disk, int file, uint64_t offset,
				uint64_t size_bytes, struct hf_err *err);
	enum hf_code (*links)(struct hf_disk *disk, int file, uint64_t *ret_count,
			      struct hf_err *err);
	uint64_t (*block_bytes)(struct hf_disk *disk);
};

/* The first member of every disk. */
struct hf_disk {
	const struct hf_disk_ops *ops;
};

/* A folder of the real file system; it must exist. */
enum hf_code hf_disk_real_open(const char *path, struct hf_disk **ret_disk,
			       struct hf_err *err) HF_MUST_CHECK;
void hf_disk_real_close(struct hf_disk *disk); /* NULL is fine */

enum hf_code hf_disk_open(struct hf_disk *disk, const char *path, enum hf_disk_how how,
			  int *ret_file, struct hf_err *err) HF_MUST_CHECK;
/* Negative is fine. Says nothing about durability. */
void hf_disk_close(struct hf_disk *disk, int file);
/* Fewer bytes than asked for mean the end of the file. */
enum hf_code hf_disk_read(struct hf_disk *disk, int file, uint64_t offset, void *ret_data,
			  size_t size_bytes, size_t *ret_bytes, struct hf_err *err) HF_MUST_CHECK;
/* All of it, or an error. */
enum hf_code hf_disk_write(struct hf_disk *disk, int file, uint64_t offset, const void *data,
			   size_t size_bytes, struct hf_err *err) HF_MUST_CHECK;
enum hf_code hf_disk_sync(struct hf_disk *disk, int file, struct hf_err *err) HF_MUST_CHECK;
enum hf_code hf_disk_truncate(struct hf_disk *disk, int file, uint64_t size_bytes,
			      struct hf_err *err) HF_MUST_CHECK;
enum hf_code hf_disk_size(struct hf_disk *disk, int file, uint64_t *ret_bytes,
			  struct hf_err *err) HF_MUST_CHECK;
/* Drop what is cached of a file that was synced, so that reads come from the medium. */
void hf_disk_forget(struct hf_disk *disk, int file);
enum hf_code hf_disk_rename(struct hf_disk *disk, const char *from, const char *to,
			    struct hf_err *err) HF_MUST_CHECK;
enum hf_code hf_disk_unlink(struct hf_disk *disk, const char *path,
			    struct hf_err *err) HF_MUST_CHECK;
enum hf_code hf_disk_folder_sync(struct hf_disk *disk, const char *path,
				 struct hf_err *err) HF_MUST_CHECK;
enum hf_code hf_disk_list(struct hf_disk *disk, const char *path,
			  const struct hf_disk_lister *lister, struct hf_err *err) HF_MUST_CHECK;
/* Held until the file is closed or the process ends. The file is made when it is missing. */
enum hf_code hf_disk_lock(struct hf_disk *disk, const char *path, int *ret_file,
			  struct hf_err *err) HF_MUST_CHECK;
enum hf_code hf_disk_free_space(struct hf_disk *disk, uint64_t *ret_bytes,
				struct hf_err *err) HF_MUST_CHECK;
/* Room for these bytes of a file, its size unchanged: a write there will not find the disk
 * full. HF_OK too where the file system cannot promise that. Given back by a truncate. */
enum hf_code hf_disk_reserve(struct hf_disk *disk, int file, uint64_t offset, uint64_t size_bytes,
			     struct hf_err *err) HF_MUST_CHECK;
/* How many names lead to an open file; 0: it was removed, and nobody will find it again. */
enum hf_code hf_disk_links(struct hf_disk *disk, int file, uint64_t *ret_count,
			   struct hf_err *err) HF_MUST_CHECK;
/* What is torn as a whole when the power goes: a power of two, 4096 to 16384. */
uint64_t hf_disk_block_bytes(struct hf_disk *disk);

/* Made of the above. */

/* Folders of one level, their names synced into the disk's own folder. Existing is fine. */
enum hf_code hf_disk_folders_ensure(struct hf_disk *disk, const char *const *paths, size_t count,
				    struct hf_err *err) HF_MUST_CHECK;
enum hf_code hf_disk_folder_ensure(struct hf_disk *disk, const char *path,
				   struct hf_err *err) HF_MUST_CHECK;
/* A whole small file as text with a NUL. HF_E_LIMIT: it does not fit. */
enum hf_code hf_disk_text_read(struct hf_disk *disk, const char *path, char *ret_text,
			       size_t size_bytes_max, struct hf_err *err) HF_MUST_CHECK;
/* Write path.new, sync it, rename it over path, sync the folder. HF_E_IO after the
 * rename means the old text or the new one. */
enum hf_code hf_disk_text_replace(struct hf_disk *disk, const char *path, const char *text,
				  struct hf_err *err) HF_MUST_CHECK;
