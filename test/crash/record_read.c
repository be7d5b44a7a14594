/* SPDX-License-Identifier: Apache-2.0 */
#include "record_read.h"

#include "base/assert.h"
#include "base/auto.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	FDS = 1024,
};

static char *copy_text(const char *text, size_t size)
{
	char *copy = strndup(text, size);

	HF_ASSERT(copy != NULL);
	return copy;
}

struct record_name *record_find_name(struct record_names *names, const char *path)
{
	for (size_t i = 0; i < names->count; i++)
		if (strcmp(names->list[i].path, path) == 0)
			return &names->list[i];
	return NULL;
}

void record_set_name(struct record_names *names, const char *path, int file)
{
	struct record_name *name = record_find_name(names, path);

	if (name == NULL) {
		HF_ASSERT(names->count < RECORD_NAMES_MAX);
		name = &names->list[names->count++];
		name->path = path;
	}
	name->file = file;
}

/* "" is the data folder. False: it is not below it. */
static bool below_data(const char *path, const char *data, const char **ret_path)
{
	size_t size = strlen(data);

	if (path[0] == '/') {
		if (strncmp(path, data, size) != 0 || (path[size] != '/' && path[size] != '\0'))
			return false;
		path += size;
		path += path[0] == '/';
	}
	*ret_path = strcmp(path, ".") == 0 ? "" : path;
	return true;
}

/* What a descriptor stands for. */
struct opened {
	int file; /* -1: a folder; -2: not below the data folder */
	const char *path;
};

static bool read_open(struct record *r, struct record_names *names, struct opened *fds,
		      const struct record_head *head, const char *path, struct record_step *op)
{
	struct record_name *name = record_find_name(names, path);

	HF_ASSERT(head->fd < FDS);
	if ((head->a & O_DIRECTORY) != 0 || path[0] == '\0') {
		fds[head->fd] = (struct opened){ .file = -1, .path = path };
		return false;
	}
	bool is_new = name == NULL || name->file == -2;
	if (is_new && (head->a & O_CREAT) == 0)
		return false;
	if (is_new) {
		HF_ASSERT(r->file_count < RECORD_FILES_MAX);
		record_set_name(names, path, (int)r->file_count++);
		name = record_find_name(names, path);
	}
	fds[head->fd] = (struct opened){ .file = name->file, .path = path };
	*op = (struct record_step){ .op = is_new ? RECORD_OPEN : RECORD_TRUNCATE,
				    .file = name->file,
				    .creates = is_new,
				    .path = path };
	return is_new || (head->a & O_TRUNC) != 0;
}

/* False: it changes nothing below the data folder. */
static bool read_op(struct record *r, struct record_names *names, struct opened *fds,
		    const struct record_head *head, const char *bytes, const char *data_path,
		    struct record_step *op)
{
	const char *path = "", *path2 = "";
	struct opened *opened = head->fd >= 0 && head->fd < FDS ? &fds[head->fd] : NULL;

	if (head->path_bytes > 0 &&
	    !below_data(copy_text(bytes, head->path_bytes), data_path, &path)) {
		if (head->op == RECORD_OPEN)
			opened->file = -2;
		return false;
	}
	if (head->path2_bytes > 0 &&
	    !below_data(copy_text(bytes + head->path_bytes, head->path2_bytes), data_path, &path2))
		return false;
	*op = (struct record_step){ .op = (enum record_op)head->op,
				    .path = path,
				    .path2 = path2,
				    .data = (const uint8_t *)bytes + head->path_bytes +
					    head->path2_bytes,
				    .size = head->data_bytes,
				    .at = (uint64_t)head->a };
	switch ((enum record_op)head->op) {
	case RECORD_OPEN:
		return read_open(r, names, fds, head, path, op);
	case RECORD_WRITE:
	case RECORD_TRUNCATE:
	case RECORD_SYNC:
		op->file = opened->file;
		if (op->file == -1)
			op->path = opened->path;
		return op->file != -2 && (op->file >= 0 || op->op == RECORD_SYNC);
	case RECORD_RENAME: {
		struct record_name *from = record_find_name(names, path);

		HF_ASSERT(from != NULL);
		record_set_name(names, path2, from->file);
		record_find_name(names, path)->file = -2;
		return true;
	}
	case RECORD_UNLINK:
		if (record_find_name(names, path) != NULL)
			record_find_name(names, path)->file = -2;
		return true;
	case RECORD_MKDIR:
		record_set_name(names, path, -1);
		return true;
	case RECORD_ACK:
		return true;
	}
	return false;
}

enum hf_code record_read(const char *path, const char *data_path, const struct record_names *base,
			 struct record *ret_record, struct hf_err *err)
{
	struct record r = { .file_count = base != NULL ? ret_record->file_count : 0 };
	struct stat st;
	static struct record_names names;
	static struct opened fds[FDS];
	HF_AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) != 0)
		return hf_fail_errno(err, "open %s", path);
	names = base != NULL ? *base : (struct record_names){ 0 };
	for (size_t i = 0; i < FDS; i++)
		fds[i].file = -2;
	r.bytes = malloc((size_t)st.st_size + 1);
	r.ops = calloc(RECORD_OPS_MAX, sizeof *r.ops);
	HF_ASSERT(r.bytes != NULL && r.ops != NULL);
	for (off_t at = 0; at < st.st_size;) {
		ssize_t n = pread(fd, r.bytes + at, (size_t)(st.st_size - at), at);

		if (n <= 0)
			return hf_fail_errno(err, "read %s", path);
		at += n;
	}
	for (size_t at = 0; at + sizeof(struct record_head) <= (size_t)st.st_size;) {
		struct record_head head;

		memcpy(&head, r.bytes + at, sizeof head);
		at += sizeof head;
		HF_ASSERT(r.op_count < RECORD_OPS_MAX);
		if (read_op(&r, &names, fds, &head, r.bytes + at, data_path, &r.ops[r.op_count]))
			r.op_count++;
		at += head.path_bytes + head.path2_bytes + head.data_bytes;
	}
	*ret_record = r;
	return HF_OK;
}

/* Paths are kept: few and short, and names of a later record may be among them. */
void record_free(struct record *record)
{
	free(record->bytes);
	free(record->ops);
	*record = (struct record){ 0 };
}
