/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_disk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	NODES_MAX = 128,
	NAMES_MAX = 128,
	HANDLES_MAX = 64,
	HELD_MAX = 512,
	NAME_CHANGES_MAX = 512,
	OP_COUNT = FAKE_DISK_FOLDER_SYNC + 1,
};

struct bytes {
	char *data;
	size_t size;
	size_t room;
};

/* A write (data) or a cut (data NULL) not yet stored. */
struct held {
	char *data;
	uint64_t offset; /* of a cut: the new size */
	size_t size;
};

struct node {
	bool used;
	bool folder;
	struct bytes seen;
	struct bytes stored;
	size_t held_count;
	struct held held[HELD_MAX];
	int64_t modified_s;
	uint64_t bad_from, bad_to; /* unreadable */
	uint64_t reserved;         /* room up to here is kept for it */
};

struct name {
	char path[HF_DISK_PATH_BYTES];
	int node;
};

struct names {
	size_t count;
	struct name list[NAMES_MAX];
};

/* from empty: a new name; to empty: a removal; both: a rename. */
struct name_change {
	char from[HF_DISK_PATH_BYTES];
	char to[HF_DISK_PATH_BYTES];
	int node;
};

struct handle {
	bool used;
	int node;
	char lock[HF_DISK_PATH_BYTES];
};

struct fake {
	struct hf_disk disk;
	uint64_t chance;
	uint64_t operations;
	uint64_t cut_at;
	bool off;
	uint64_t counts[OP_COUNT];
	uint64_t fail_from[OP_COUNT];
	uint64_t fail_to[OP_COUNT];
	enum hf_code fail_code[OP_COUNT];
	uint64_t capacity;
	struct names seen;
	struct names stored;
	size_t change_count;
	struct name_change changes[NAME_CHANGES_MAX];
	struct handle handles[HANDLES_MAX];
	struct node nodes[NODES_MAX];
};

static struct fake *fake_of(const struct hf_disk *disk)
{
	return (struct fake *)(uintptr_t)disk;
}

static void must(bool condition, const char *what)
{
	if (condition)
		return;
	(void)fprintf(stderr, "fake disk: %s\n", what);
	abort();
}

static uint64_t draw(struct fake *fake)
{
	/* splitmix64 */
	uint64_t z = fake->chance += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static void bytes_resize(struct bytes *bytes, size_t size)
{
	if (size > bytes->room) {
		size_t room = size < 4096 ? 4096 : 2 * size;

		bytes->data = realloc(bytes->data, room);
		must(bytes->data != NULL, "out of memory");
		bytes->room = room;
	}
	if (size > bytes->size)
		memset(bytes->data + bytes->size, 0, size - bytes->size);
	bytes->size = size;
}

static void bytes_put(struct bytes *bytes, uint64_t offset, const char *data, size_t size)
{
	if (size == 0)
		return;
	if (offset + size > bytes->size)
		bytes_resize(bytes, (size_t)offset + size);
	memcpy(bytes->data + offset, data, size);
}

static void bytes_copy(struct bytes *to, const struct bytes *from)
{
	bytes_resize(to, from->size);
	if (from->size > 0)
		memcpy(to->data, from->data, from->size);
}

static void apply(struct bytes *bytes, const struct held *held)
{
	if (held->data == NULL)
		bytes_resize(bytes, (size_t)held->offset);
	else
		bytes_put(bytes, held->offset, held->data, held->size);
}

static void held_clear(struct node *node)
{
	for (size_t i = 0; i < node->held_count; i++)
		free(node->held[i].data);
	node->held_count = 0;
}

static struct name *find_name(struct names *names, const char *path)
{
	for (size_t i = 0; i < names->count; i++)
		if (strcmp(names->list[i].path, path) == 0)
			return &names->list[i];
	return NULL;
}

static void set_name(struct names *names, const char *path, int node)
{
	struct name *name = find_name(names, path);

	if (name == NULL) {
		must(names->count < NAMES_MAX, "too many names");
		name = &names->list[names->count++];
		(void)snprintf(name->path, sizeof name->path, "%s", path);
	}
	name->node = node;
}

static void drop_name(struct names *names, const char *path)
{
	struct name *name = find_name(names, path);

	if (name != NULL)
		*name = names->list[--names->count];
}

static void apply_change(struct names *names, const struct name_change *change)
{
	if (change->from[0] != '\0')
		drop_name(names, change->from);
	if (change->to[0] != '\0')
		set_name(names, change->to, change->node);
}

static void hold_change(struct fake *fake, const char *from, const char *to, int node)
{
	must(fake->change_count < NAME_CHANGES_MAX, "too many held names");
	struct name_change *change = &fake->changes[fake->change_count++];
	(void)snprintf(change->from, sizeof change->from, "%s", from);
	(void)snprintf(change->to, sizeof change->to, "%s", to);
	change->node = node;
	apply_change(&fake->seen, change);
}

static void hold_bytes(struct node *node, uint64_t offset, const char *data, size_t size)
{
	must(node->held_count < HELD_MAX, "too many held writes");
	struct held *held = &node->held[node->held_count++];
	*held = (struct held){ .offset = offset, .size = size };
	if (data != NULL) {
		held->data = malloc(size + 1);
		must(held->data != NULL, "out of memory");
		memcpy(held->data, data, size);
	}
	apply(&node->seen, held);
}

/* Is the power on, and is this one not made to fail? cut: the power goes during it. */
static enum hf_code step(struct fake *fake, enum fake_disk_op op, bool *ret_cut, struct hf_err *err)
{
	bool ignored;
	bool *cut = ret_cut != NULL ? ret_cut : &ignored;

	*cut = false;
	if (fake->off)
		return hf_fail(err, HF_E_IO, "the power is off");
	fake->counts[op]++;
	if (op != FAKE_DISK_READ) {
		fake->operations++;
		if (fake->operations == fake->cut_at) {
			fake->off = true;
			*cut = true;
			return HF_OK;
		}
	}
	const enum fake_disk_op kinds[] = { op, FAKE_DISK_ANY };
	for (size_t i = 0; i < 2; i++) {
		uint64_t count = kinds[i] == FAKE_DISK_ANY ? fake->operations : fake->counts[op];

		if (fake->fail_from[kinds[i]] != 0 && count >= fake->fail_from[kinds[i]] &&
		    count <= fake->fail_to[kinds[i]])
			return hf_fail(err, fake->fail_code[kinds[i]], "made to fail");
	}
	return HF_OK;
}

static struct node *node_of(struct fake *fake, int file)
{
	must(file >= 0 && file < HANDLES_MAX && fake->handles[file].used,
	     "a file that is not open");
	return &fake->nodes[fake->handles[file].node];
}

static int new_handle(struct fake *fake, int node)
{
	for (int i = 0; i < HANDLES_MAX; i++)
		if (!fake->handles[i].used) {
			fake->handles[i] = (struct handle){ .used = true, .node = node };
			return i;
		}
	must(false, "too many open files");
	return -1;
}

static bool names_hold(const struct names *names, int node)
{
	for (size_t i = 0; i < names->count; i++)
		if (names->list[i].node == node)
			return true;
	return false;
}

/* No name, no held name and no open file leads to it. */
static bool is_garbage(const struct fake *fake, int node)
{
	for (size_t i = 0; i < fake->change_count; i++)
		if (fake->changes[i].node == node)
			return false;
	for (int i = 0; i < HANDLES_MAX; i++)
		if (fake->handles[i].used && fake->handles[i].node == node)
			return false;
	return !names_hold(&fake->seen, node) && !names_hold(&fake->stored, node);
}

static int new_node(struct fake *fake, bool folder)
{
	for (int i = 0; i < NODES_MAX; i++) {
		struct node *node = &fake->nodes[i];

		if (node->used && !is_garbage(fake, i))
			continue;
		held_clear(node);
		bytes_resize(&node->seen, 0);
		bytes_resize(&node->stored, 0);
		node->used = true;
		node->folder = folder;
		node->modified_s = 0;
		node->bad_from = node->bad_to = 0;
		node->reserved = 0;
		return i;
	}
	must(false, "too many files");
	return -1;
}

static void folder_of(const char *path, char ret_folder[HF_DISK_PATH_BYTES])
{
	const char *slash = strrchr(path, '/');

	(void)snprintf(ret_folder, HF_DISK_PATH_BYTES, "%.*s",
		       slash == NULL ? 1 : (int)(slash - path), slash == NULL ? "." : path);
}

static bool has_folder(struct fake *fake, const char *path)
{
	char folder[HF_DISK_PATH_BYTES];

	folder_of(path, folder);
	return strcmp(folder, ".") == 0 || find_name(&fake->seen, folder) != NULL;
}

static enum hf_code fake_open(struct hf_disk *disk, const char *path, enum hf_disk_how how,
			      int *ret_file, struct hf_err *err)
{
	struct fake *fake = fake_of(disk);
	const struct name *name = find_name(&fake->seen, path);

	if (fake->off)
		return hf_fail(err, HF_E_IO, "the power is off");
	if (name != NULL && how == HF_DISK_CREATE)
		return hf_fail(err, HF_E_INVALID, "%s exists", path);
	if (name != NULL) {
		int node = name->node;

		if (how == HF_DISK_REPLACE) {
			enum hf_code code = step(fake, FAKE_DISK_TRUNCATE, NULL, err);
			if (code != HF_OK)
				return code;
			hold_bytes(&fake->nodes[node], 0, NULL, 0);
		}
		*ret_file = new_handle(fake, node);
		return HF_OK;
	}
	if (how == HF_DISK_READ || how == HF_DISK_WRITE || !has_folder(fake, path))
		return hf_fail(err, HF_E_NOENT, "%s does not exist", path);
	bool cut;
	enum hf_code code = step(fake, FAKE_DISK_CREATE, &cut, err);
	if (code != HF_OK)
		return code;
	int node = new_node(fake, false);
	hold_change(fake, "", path, node);
	if (cut)
		return hf_fail(err, HF_E_IO, "the power went");
	*ret_file = new_handle(fake, node);
	return HF_OK;
}

static void fake_close(struct hf_disk *disk, int file)
{
	struct fake *fake = fake_of(disk);

	(void)node_of(fake, file);
	fake->handles[file].used = false;
}

static enum hf_code fake_read(struct hf_disk *disk, int file, uint64_t offset, void *ret_data,
			      size_t size_bytes, size_t *ret_bytes, struct hf_err *err)
{
	struct fake *fake = fake_of(disk);
	const struct node *node = node_of(fake, file);
	enum hf_code code = step(fake, FAKE_DISK_READ, NULL, err);

	if (code != HF_OK)
		return code;
	size_t left = offset < node->seen.size ? node->seen.size - (size_t)offset : 0;
	size_t size = size_bytes < left ? size_bytes : left;
	if (offset < node->bad_to && offset + size > node->bad_from)
		return hf_fail(err, HF_E_IO, "unreadable");
	if (size > 0)
		memcpy(ret_data, node->seen.data + offset, size);
	*ret_bytes = size;
	return HF_OK;
}

static uint64_t room_of(const struct node *node)
{
	return node->reserved > node->seen.size ? node->reserved : node->seen.size;
}

static uint64_t used_bytes(const struct fake *fake)
{
	uint64_t used = 0;

	for (size_t i = 0; i < fake->seen.count; i++)
		used += room_of(&fake->nodes[fake->seen.list[i].node]);
	return used;
}

static enum hf_code fake_write(struct hf_disk *disk, int file, uint64_t offset, const void *data,
			       size_t size_bytes, struct hf_err *err)
{
	struct fake *fake = fake_of(disk);
	struct node *node = node_of(fake, file);
	bool cut;
	enum hf_code code = step(fake, FAKE_DISK_WRITE, &cut, err);

	if (code != HF_OK) {
		/* A failed write has written something or nothing. */
		size_t part = size_bytes == 0 ? 0 : (size_t)(draw(fake) % size_bytes);
		if (!fake->off && part > 0)
			hold_bytes(node, offset, data, part);
		return code;
	}
	uint64_t room = room_of(node);
	uint64_t grows = offset + size_bytes > room ? offset + size_bytes - room : 0;
	uint64_t used = used_bytes(fake);
	if (used + grows > fake->capacity) {
		uint64_t over = used + grows - fake->capacity;

		size_bytes = over >= size_bytes ? 0 : size_bytes - (size_t)over;
		if (size_bytes > 0)
			hold_bytes(node, offset, data, size_bytes);
		return hf_fail(err, HF_E_NOSPACE, "full");
	}
	hold_bytes(node, offset, data, size_bytes);
	return cut ? hf_fail(err, HF_E_IO, "the power went") : HF_OK;
}

static enum hf_code fake_sync(struct hf_disk *disk, int file, struct hf_err *err)
{
	struct fake *fake = fake_of(disk);
	struct node *node = node_of(fake, file);
	bool cut;
	enum hf_code code = step(fake, FAKE_DISK_SYNC, &cut, err);

	if (cut)
		return hf_fail(err, HF_E_IO, "the power went");
	if (code != HF_OK && fake->off)
		return code;
	for (size_t i = 0; i < node->held_count; i++)
		if (code == HF_OK || draw(fake) % 2 == 0)
			apply(&node->stored, &node->held[i]);
	held_clear(node);
	return code;
}

static enum hf_code fake_truncate(struct hf_disk *disk, int file, uint64_t size_bytes,
				  struct hf_err *err)
{
	struct fake *fake = fake_of(disk);
	struct node *node = node_of(fake, file);
	bool cut;
	enum hf_code code = step(fake, FAKE_DISK_TRUNCATE, &cut, err);

	if (code != HF_OK)
		return code;
	node->reserved = 0;
	hold_bytes(node, size_bytes, NULL, 0);
	return cut ? hf_fail(err, HF_E_IO, "the power went") : HF_OK;
}

static enum hf_code fake_size(struct hf_disk *disk, int file, uint64_t *ret_bytes,
			      struct hf_err *err)
{
	struct fake *fake = fake_of(disk);

	if (fake->off)
		return hf_fail(err, HF_E_IO, "the power is off");
	*ret_bytes = node_of(fake, file)->seen.size;
	return HF_OK;
}

static void fake_forget(struct hf_disk *disk, int file)
{
	struct node *node = node_of(fake_of(disk), file);

	bytes_copy(&node->seen, &node->stored);
	for (size_t i = 0; i < node->held_count; i++)
		apply(&node->seen, &node->held[i]);
}

static enum hf_code fake_rename(struct hf_disk *disk, const char *from, const char *to,
				struct hf_err *err)
{
	struct fake *fake = fake_of(disk);
	const struct name *name = find_name(&fake->seen, from);
	bool cut;

	if (name == NULL || !has_folder(fake, to))
		return hf_fail(err, HF_E_NOENT, "rename %s to %s", from, to);
	enum hf_code code = step(fake, FAKE_DISK_RENAME, &cut, err);
	if (code != HF_OK)
		return code;
	hold_change(fake, from, to, name->node);
	return cut ? hf_fail(err, HF_E_IO, "the power went") : HF_OK;
}

static enum hf_code fake_unlink(struct hf_disk *disk, const char *path, struct hf_err *err)
{
	struct fake *fake = fake_of(disk);
	const struct name *name = find_name(&fake->seen, path);
	bool cut;

	if (name == NULL)
		return hf_fail(err, HF_E_NOENT, "remove %s", path);
	enum hf_code code = step(fake, FAKE_DISK_UNLINK, &cut, err);
	if (code != HF_OK)
		return code;
	hold_change(fake, path, "", name->node);
	return cut ? hf_fail(err, HF_E_IO, "the power went") : HF_OK;
}

static enum hf_code fake_folder_make(struct hf_disk *disk, const char *path, struct hf_err *err)
{
	struct fake *fake = fake_of(disk);
	bool cut;

	if (find_name(&fake->seen, path) != NULL)
		return HF_OK;
	enum hf_code code = step(fake, FAKE_DISK_CREATE, &cut, err);
	if (code != HF_OK)
		return code;
	hold_change(fake, "", path, new_node(fake, true));
	return cut ? hf_fail(err, HF_E_IO, "the power went") : HF_OK;
}

static bool is_in(const char *path, const char *folder)
{
	char own[HF_DISK_PATH_BYTES];

	if (path[0] == '\0')
		return false;
	folder_of(path, own);
	return strcmp(own, folder) == 0;
}

static enum hf_code fake_folder_sync(struct hf_disk *disk, const char *path, struct hf_err *err)
{
	struct fake *fake = fake_of(disk);
	bool cut;
	enum hf_code code = step(fake, FAKE_DISK_FOLDER_SYNC, &cut, err);
	size_t kept = 0;

	if (code != HF_OK)
		return code;
	if (cut)
		return hf_fail(err, HF_E_IO, "the power went");
	for (size_t i = 0; i < fake->change_count; i++) {
		const struct name_change *change = &fake->changes[i];

		if (is_in(change->from, path) || is_in(change->to, path))
			apply_change(&fake->stored, change);
		else
			fake->changes[kept++] = *change;
	}
	fake->change_count = kept;
	return HF_OK;
}

static enum hf_code fake_list(struct hf_disk *disk, const char *path,
			      const struct hf_disk_lister *lister, struct hf_err *err)
{
	struct fake *fake = fake_of(disk);

	if (fake->off)
		return hf_fail(err, HF_E_IO, "the power is off");
	if (strcmp(path, ".") != 0 && find_name(&fake->seen, path) == NULL)
		return hf_fail(err, HF_E_NOENT, "list %s", path);
	for (size_t i = 0; i < fake->seen.count; i++) {
		const struct name *name = &fake->seen.list[i];
		const struct node *node = &fake->nodes[name->node];
		const char *slash = strrchr(name->path, '/');
		struct hf_disk_entry entry = {
			.name = slash == NULL ? name->path : slash + 1,
			.size_bytes = lister->names_only ? 0 : node->seen.size,
			.modified_s = lister->names_only ? 0 : node->modified_s,
			.folder = node->folder,
		};

		if (is_in(name->path, path) && !lister->entry(lister->context, &entry))
			break;
	}
	return HF_OK;
}

static enum hf_code fake_lock(struct hf_disk *disk, const char *path, int *ret_file,
			      struct hf_err *err)
{
	struct fake *fake = fake_of(disk);

	for (int i = 0; i < HANDLES_MAX; i++)
		if (fake->handles[i].used && strcmp(fake->handles[i].lock, path) == 0)
			return hf_fail(err, HF_E_AGAIN, "%s is locked", path);
	enum hf_code code = fake_open(
		disk, path, find_name(&fake->seen, path) != NULL ? HF_DISK_WRITE : HF_DISK_CREATE,
		ret_file, err);
	if (code == HF_OK)
		(void)snprintf(fake->handles[*ret_file].lock, HF_DISK_PATH_BYTES, "%s", path);
	return code;
}

static enum hf_code fake_free_space(struct hf_disk *disk, uint64_t *ret_bytes, struct hf_err *err)
{
	struct fake *fake = fake_of(disk);
	uint64_t used = used_bytes(fake);

	if (fake->off)
		return hf_fail(err, HF_E_IO, "the power is off");
	*ret_bytes = used < fake->capacity ? fake->capacity - used : 0;
	return HF_OK;
}

/* Room that is kept counts as used. */
static enum hf_code fake_reserve(struct hf_disk *disk, int file, uint64_t offset,
				 uint64_t size_bytes, struct hf_err *err)
{
	struct fake *fake = fake_of(disk);
	struct node *node = node_of(fake, file);
	uint64_t end = offset + size_bytes, room = room_of(node);

	if (fake->off)
		return hf_fail(err, HF_E_IO, "the power is off");
	if (end > room && used_bytes(fake) + (end - room) > fake->capacity)
		return hf_fail(err, HF_E_NOSPACE, "full");
	node->reserved = end > node->reserved ? end : node->reserved;
	return HF_OK;
}

static enum hf_code fake_links(struct hf_disk *disk, int file, uint64_t *ret_count,
			       struct hf_err *err)
{
	struct fake *fake = fake_of(disk);
	int node = (int)(node_of(fake, file) - fake->nodes);

	(void)err;
	*ret_count = 0;
	for (size_t i = 0; i < fake->seen.count; i++)
		*ret_count += fake->seen.list[i].node == node ? 1 : 0;
	return HF_OK;
}

static uint64_t fake_block_bytes(struct hf_disk *disk)
{
	(void)disk;
	return 4096;
}

static const struct hf_disk_ops fake_ops = {
	.open = fake_open,
	.close = fake_close,
	.read = fake_read,
	.write = fake_write,
	.sync = fake_sync,
	.truncate = fake_truncate,
	.size = fake_size,
	.forget = fake_forget,
	.rename = fake_rename,
	.unlink = fake_unlink,
	.folder_make = fake_folder_make,
	.folder_sync = fake_folder_sync,
	.list = fake_list,
	.lock = fake_lock,
	.free_space = fake_free_space,
	.reserve = fake_reserve,
	.links = fake_links,
	.block_bytes = fake_block_bytes,
};

struct hf_disk *fake_disk_new(uint64_t seed)
{
	struct fake *fake = calloc(1, sizeof *fake);

	must(fake != NULL, "out of memory");
	fake->disk.ops = &fake_ops;
	fake->chance = seed;
	fake->capacity = UINT64_MAX;
	return &fake->disk;
}

void fake_disk_free(struct hf_disk *disk)
{
	struct fake *fake = fake_of(disk);

	for (size_t i = 0; i < NODES_MAX; i++) {
		held_clear(&fake->nodes[i]);
		free(fake->nodes[i].seen.data);
		free(fake->nodes[i].stored.data);
	}
	free(fake);
}

uint64_t fake_disk_operations(const struct hf_disk *disk)
{
	return fake_of(disk)->operations;
}

uint64_t fake_disk_count(const struct hf_disk *disk, enum fake_disk_op op)
{
	return fake_of(disk)->counts[op];
}

void fake_disk_cut_at(struct hf_disk *disk, uint64_t operation)
{
	fake_of(disk)->cut_at = operation;
}

bool fake_disk_is_off(const struct hf_disk *disk)
{
	return fake_of(disk)->off;
}

/* Kept, dropped, a part, zeros (the size was stored, the bytes were not), or garbage. */
static void settle_write(struct fake *fake, struct node *node, const struct held *held)
{
	uint64_t fate = draw(fake) % 8;
	struct held part = *held;

	if (held->data == NULL || fate < 3) {
		if (held->data != NULL || draw(fake) % 2 == 0)
			apply(&node->stored, held);
		return;
	}
	if (fate < 5 || held->size == 0)
		return;
	if (fate == 5) {
		part.size = (size_t)(draw(fake) % held->size);
	} else if (fate == 6) {
		size_t from = (size_t)(draw(fake) % held->size);

		memset(held->data + from, 0, held->size - from);
	} else {
		size_t from = (size_t)(draw(fake) % held->size);

		for (size_t i = from; i < held->size && i < from + 512; i++)
			held->data[i] = (char)draw(fake);
	}
	apply(&node->stored, &part);
}

void fake_disk_close_all(struct hf_disk *disk)
{
	struct fake *fake = fake_of(disk);

	for (int i = 0; i < HANDLES_MAX; i++)
		fake->handles[i].used = false;
}

void fake_disk_revive(struct hf_disk *disk)
{
	struct fake *fake = fake_of(disk);

	fake->off = false;
	fake->cut_at = 0;
	memset(fake->fail_from, 0, sizeof fake->fail_from);
	fake_disk_close_all(disk);
}

void fake_disk_power_up(struct hf_disk *disk, uint64_t seed)
{
	struct fake *fake = fake_of(disk);

	fake_disk_revive(disk);
	fake->chance = seed;
	for (size_t i = 0; i < fake->change_count; i++)
		if (draw(fake) % 2 == 0)
			apply_change(&fake->stored, &fake->changes[i]);
	fake->change_count = 0;
	for (size_t i = 0; i < NODES_MAX; i++) {
		struct node *node = &fake->nodes[i];

		for (size_t k = 0; k < node->held_count; k++)
			settle_write(fake, node, &node->held[k]);
		held_clear(node);
		if (node->used)
			bytes_copy(&node->seen, &node->stored);
	}
	/* A name whose folder was lost is lost. */
	for (size_t i = 0; i < fake->stored.count;) {
		char folder[HF_DISK_PATH_BYTES];

		folder_of(fake->stored.list[i].path, folder);
		if (strcmp(folder, ".") != 0 && find_name(&fake->stored, folder) == NULL) {
			fake->stored.list[i] = fake->stored.list[--fake->stored.count];
			i = 0;
		} else {
			i++;
		}
	}
	fake->seen = fake->stored;
}

void fake_disk_fail(struct hf_disk *disk, enum fake_disk_op op, uint64_t nth, uint64_t count,
		    enum hf_code code)
{
	struct fake *fake = fake_of(disk);
	uint64_t now = op == FAKE_DISK_ANY ? fake->operations : fake->counts[op];

	fake->fail_from[op] = count == 0 ? 0 : now + nth;
	fake->fail_to[op] = count > UINT64_MAX - now - nth ? UINT64_MAX : now + nth + count - 1;
	fake->fail_code[op] = code;
}

void fake_disk_capacity(struct hf_disk *disk, uint64_t bytes)
{
	fake_of(disk)->capacity = bytes;
}

static struct node *by_path(struct hf_disk *disk, const char *path)
{
	const struct name *name = find_name(&fake_of(disk)->seen, path);

	must(name != NULL, path);
	return &fake_of(disk)->nodes[name->node];
}

void fake_disk_unreadable(struct hf_disk *disk, const char *path, uint64_t offset, uint64_t size)
{
	struct node *node = by_path(disk, path);

	node->bad_from = offset;
	node->bad_to = offset + size;
}

void fake_disk_flip_bit(struct hf_disk *disk, const char *path, uint64_t bit)
{
	struct node *node = by_path(disk, path);

	must(bit / 8 < node->seen.size && bit / 8 < node->stored.size, "a bit behind the end");
	node->seen.data[bit / 8] = (char)(node->seen.data[bit / 8] ^ (1 << bit % 8));
	node->stored.data[bit / 8] = (char)(node->stored.data[bit / 8] ^ (1 << bit % 8));
}

void fake_disk_put(struct hf_disk *disk, const char *path, const void *data, size_t size_bytes)
{
	struct fake *fake = fake_of(disk);
	char folder[HF_DISK_PATH_BYTES];

	folder_of(path, folder);
	if (strcmp(folder, ".") != 0 && find_name(&fake->seen, folder) == NULL) {
		int made = new_node(fake, true);

		set_name(&fake->seen, folder, made);
		set_name(&fake->stored, folder, made);
	}
	if (find_name(&fake->seen, path) == NULL) {
		int made = new_node(fake, false);

		set_name(&fake->seen, path, made);
		set_name(&fake->stored, path, made);
	}
	struct node *node = by_path(disk, path);
	held_clear(node);
	bytes_resize(&node->stored, 0);
	bytes_put(&node->stored, 0, data, size_bytes);
	bytes_copy(&node->seen, &node->stored);
}

void fake_disk_remove(struct hf_disk *disk, const char *path)
{
	drop_name(&fake_of(disk)->seen, path);
	drop_name(&fake_of(disk)->stored, path);
}

bool fake_disk_exists(const struct hf_disk *disk, const char *path)
{
	return find_name(&fake_of(disk)->seen, path) != NULL;
}

const char *fake_disk_bytes(const struct hf_disk *disk, const char *path, size_t *ret_size)
{
	const struct name *name = find_name(&fake_of(disk)->seen, path);

	if (name == NULL)
		return NULL;
	const struct node *node = &fake_of(disk)->nodes[name->node];
	*ret_size = node->seen.size;
	return node->seen.size == 0 ? "" : node->seen.data;
}

void fake_disk_touch(struct hf_disk *disk, const char *path, int64_t modified_s)
{
	by_path(disk, path)->modified_s = modified_s;
}
