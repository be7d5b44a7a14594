/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * record_read - a record.h made plain: paths below the data folder, files by number.
 *
 * Limits      Files, names and operations as below: more end the program.
 */
#include "base/err.h"
#include "record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	RECORD_OPS_MAX = 100000,
	RECORD_FILES_MAX = 512,
	RECORD_NAMES_MAX = 512,
};

struct record_step {
	enum record_op op;
	int file;         /* of WRITE, TRUNCATE, SYNC; -1: a folder */
	bool creates;     /* OPEN: the name is new; file is what it names */
	const char *path; /* OPEN, UNLINK, MKDIR, RENAME (from), SYNC of a folder */
	const char *path2;
	const uint8_t *data;
	uint64_t size;
	uint64_t at;
};

struct record {
	char *bytes;
	size_t op_count;
	struct record_step *ops;
	unsigned file_count;
};

struct record_name {
	const char *path;
	int file; /* -1: a folder; -2: gone */
};

struct record_names {
	size_t count;
	struct record_name list[RECORD_NAMES_MAX];
};

/* NULL: never heard of. */
struct record_name *record_find_name(struct record_names *names, const char *path);
void record_set_name(struct record_names *names, const char *path, int file);

/* base: the names that are there already; ret_record->file_count is the first free number of a
 * file then. NULL: none. */
enum hf_code record_read(const char *path, const char *data_path, const struct record_names *base,
			 struct record *ret_record, struct hf_err *err) HF_MUST_CHECK;
void record_free(struct record *record);
