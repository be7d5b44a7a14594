/* SPDX-License-Identifier: Apache-2.0 */
#include "crash_inner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void crash_must(bool condition, const char *what)
{
	if (condition)
		return;
	(void)fprintf(stderr, "crash disk: %s\n", what);
	abort();
}

/* --- blocks --- */

uint64_t hash_mix(uint64_t a, uint64_t b)
{
	uint64_t z = a * UINT64_C(0x9e3779b97f4a7c15) + b;

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

struct block *block_new(void)
{
	struct block *block = malloc(sizeof *block);

	crash_must(block != NULL, "out of memory");
	block->refs = 1;
	return block;
}

struct block *block_finish(struct block *block)
{
	uint64_t lanes[4] = { 1, 2, 3, 4 };
	uint32_t used = CRASH_BLOCK_BYTES;

	while (used > 0 && block->data[used - 1] == 0)
		used--;
	if (used == 0) {
		block_drop(block);
		return NULL;
	}
	for (size_t at = 0; at < used; at += 32) {
		uint64_t words[4];

		memcpy(words, block->data + at, sizeof words);
		for (size_t i = 0; i < 4; i++) {
			lanes[i] = (lanes[i] ^ words[i]) * UINT64_C(0x9fb21c651e98df25);
			lanes[i] ^= lanes[i] >> 29;
		}
	}
	block->used = used;
	block->hash = hash_mix(hash_mix(lanes[0], lanes[1]), hash_mix(lanes[2], lanes[3]));
	return block;
}

struct block *block_ref(struct block *block)
{
	if (block != NULL)
		block->refs++;
	return block;
}

void block_drop(struct block *block)
{
	if (block != NULL && --block->refs == 0)
		free(block);
}

struct block *block_trim(struct block *block, uint32_t used)
{
	if (block == NULL || block->used <= used)
		return block_ref(block);
	if (used == 0)
		return NULL;
	struct block *trimmed = block_new();
	memcpy(trimmed->data, block->data, used);
	memset(trimmed->data + used, 0, CRASH_BLOCK_BYTES - used);
	return block_finish(trimmed);
}

static void content_clear(struct content *content)
{
	for (size_t i = 0; i < BLOCKS_MAX; i++)
		block_drop(content->blocks[i]);
	*content = (struct content){ 0 };
}

static void content_copy(struct content *to, const struct content *from)
{
	*to = *from;
	for (size_t i = 0; i < BLOCKS_MAX; i++)
		(void)block_ref(to->blocks[i]);
}

uint64_t content_hash(const struct content *content)
{
	uint64_t hash = hash_mix(content->size, 7);

	for (uint64_t i = 0; i * CRASH_BLOCK_BYTES < content->size; i++)
		if (content->blocks[i] != NULL)
			hash += hash_mix(content->blocks[i]->hash, i + 1);
	return hash;
}

/* --- what is undecided --- */

static struct versions *versions_of(struct undecided *undecided, uint32_t index)
{
	for (size_t i = 0; i < undecided->block_count; i++)
		if (undecided->blocks[i].index == index)
			return &undecided->blocks[i];
	return NULL;
}

static void add_version(struct undecided *undecided, uint32_t index, struct block *block)
{
	struct versions *versions = versions_of(undecided, index);

	if (versions == NULL) {
		if (undecided->block_count == undecided->block_room) {
			undecided->block_room = undecided->block_room * 2 + 4;
			undecided->blocks =
				realloc(undecided->blocks,
					undecided->block_room * sizeof *undecided->blocks);
			crash_must(undecided->blocks != NULL, "out of memory");
		}
		versions = &undecided->blocks[undecided->block_count++];
		versions->index = index;
		versions->count = 0;
	}
	crash_must(versions->count < VERSIONS_MAX, "a page is written too often without a flush");
	versions->list[versions->count++] = block_ref(block);
}

static void add_size(struct undecided *undecided, uint64_t size)
{
	crash_must(undecided->size_count < SIZES_MAX, "too many sizes without a flush");
	undecided->sizes[undecided->size_count++] = size;
}

static void drop_versions(struct undecided *undecided, struct versions *versions)
{
	for (size_t i = 0; i < versions->count; i++)
		block_drop(versions->list[i]);
	*versions = undecided->blocks[--undecided->block_count];
}

static void undecided_clear(struct undecided *undecided)
{
	while (undecided->block_count > 0)
		drop_versions(undecided, &undecided->blocks[0]);
	undecided->size_count = 0;
}

static void undecided_add(struct undecided *to, const struct undecided *from)
{
	for (size_t i = 0; i < from->block_count; i++)
		for (size_t k = 0; k < from->blocks[i].count; k++)
			add_version(to, from->blocks[i].index, from->blocks[i].list[k]);
	for (size_t i = 0; i < from->size_count; i++)
		add_size(to, from->sizes[i]);
}

static void node_free(struct node *node)
{
	if (node == NULL)
		return;
	content_clear(&node->seen);
	content_clear(&node->stored);
	undecided_clear(&node->dirty);
	undecided_clear(&node->limbo);
	free(node->dirty.blocks);
	free(node->limbo.blocks);
	free(node);
}

static void put_block(struct node *node, uint32_t index, struct block *block)
{
	add_version(&node->dirty, index, block);
	block_drop(node->seen.blocks[index]);
	node->seen.blocks[index] = block;
}

static void node_write(struct node *node, uint64_t offset, const char *data, size_t size)
{
	crash_must(offset + size <= (uint64_t)BLOCKS_MAX * CRASH_BLOCK_BYTES, "a file too large");
	for (size_t done = 0; done < size;) {
		uint32_t index = (uint32_t)((offset + done) / CRASH_BLOCK_BYTES);
		size_t at = (size_t)((offset + done) % CRASH_BLOCK_BYTES);
		size_t piece =
			CRASH_BLOCK_BYTES - at < size - done ? CRASH_BLOCK_BYTES - at : size - done;
		struct block *block = block_new();

		if (node->seen.blocks[index] != NULL)
			memcpy(block->data, node->seen.blocks[index]->data, CRASH_BLOCK_BYTES);
		else
			memset(block->data, 0, CRASH_BLOCK_BYTES);
		memcpy(block->data + at, data + done, piece);
		put_block(node, index, block_finish(block));
		done += piece;
	}
	if (offset + size > node->seen.size) {
		node->seen.size = offset + size;
		add_size(&node->dirty, node->seen.size);
	}
}

static void node_truncate(struct node *node, uint64_t size)
{
	uint32_t first = (uint32_t)(size / CRASH_BLOCK_BYTES);

	for (uint32_t i = first; i < BLOCKS_MAX; i++) {
		uint32_t keep = i == first ? (uint32_t)(size % CRASH_BLOCK_BYTES) : 0;

		if (node->seen.blocks[i] != NULL && node->seen.blocks[i]->used > keep)
			put_block(node, i, block_trim(node->seen.blocks[i], keep));
	}
	if (size != node->seen.size) {
		node->seen.size = size;
		add_size(&node->dirty, size);
	}
}

static void node_sync(struct node *node)
{
	for (size_t i = 0; i < node->dirty.block_count; i++) {
		uint32_t index = node->dirty.blocks[i].index;
		struct versions *lost = versions_of(&node->limbo, index);

		block_drop(node->stored.blocks[index]);
		node->stored.blocks[index] = block_ref(node->seen.blocks[index]);
		if (lost != NULL)
			drop_versions(&node->limbo, lost);
	}
	if (node->dirty.size_count > 0) {
		node->stored.size = node->seen.size;
		node->limbo.size_count = 0;
	}
	undecided_clear(&node->dirty);
}

static void node_sync_failed(struct node *node)
{
	undecided_add(&node->limbo, &node->dirty);
	undecided_clear(&node->dirty);
}

/* What a flush has lost shows until the cache is dropped. */
static void node_forget(struct node *node)
{
	for (size_t i = 0; i < node->limbo.block_count; i++) {
		uint32_t index = node->limbo.blocks[i].index;

		if (versions_of(&node->dirty, index) != NULL)
			continue;
		block_drop(node->seen.blocks[index]);
		node->seen.blocks[index] = block_ref(node->stored.blocks[index]);
	}
	if (node->limbo.size_count > 0 && node->dirty.size_count == 0)
		node->seen.size = node->stored.size;
}

/* --- names --- */

void folder_of(const char *path, char ret_folder[NAME_BYTES])
{
	const char *slash = strrchr(path, '/');

	(void)snprintf(ret_folder, NAME_BYTES, "%.*s", slash == NULL ? 1 : (int)(slash - path),
		       slash == NULL ? "." : path);
}

const struct name *names_find(const struct names *names, const char *path)
{
	for (size_t i = 0; i < names->count; i++)
		if (strcmp(names->list[i].path, path) == 0)
			return &names->list[i];
	return NULL;
}

static uint64_t path_hash(const char *path)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *path != '\0'; path++)
		hash = (hash ^ (unsigned char)*path) * UINT64_C(0x100000001b3);
	return hash;
}

static void names_drop(struct names *names, const char *path)
{
	for (size_t i = 0; i < names->count; i++)
		if (strcmp(names->list[i].path, path) == 0)
			names->list[i--] = names->list[--names->count];
}

void names_apply(struct names *names, const struct change *change)
{
	if (change->from[0] != '\0')
		names_drop(names, change->from);
	if (change->to[0] == '\0')
		return;
	names_drop(names, change->to);
	crash_must(names->count < NAMES_MAX, "too many names");
	struct name *name = &names->list[names->count++];
	(void)snprintf(name->path, sizeof name->path, "%s", change->to);
	name->hash = path_hash(name->path);
	name->node = change->node;
}

void names_prune(struct names *names)
{
	for (size_t i = 0; i < names->count;) {
		char folder[NAME_BYTES];

		folder_of(names->list[i].path, folder);
		if (strcmp(folder, ".") != 0 && names_find(names, folder) == NULL) {
			names->list[i] = names->list[--names->count];
			i = 0;
		} else {
			i++;
		}
	}
}

static void change_name(struct crash *crash, const char *from, const char *to, int node)
{
	crash_must(crash->change_count < CHANGES_MAX, "too many names without a flush");
	crash_must(strlen(from) < NAME_BYTES && strlen(to) < NAME_BYTES, "a path too long");
	struct change *change = &crash->changes[crash->change_count++];
	(void)snprintf(change->from, sizeof change->from, "%s", from);
	(void)snprintf(change->to, sizeof change->to, "%s", to);
	change->node = node;
	names_apply(&crash->seen, change);
}

/* --- operations --- */

static struct crash *crash_of(const struct hf_disk *disk)
{
	return (struct crash *)(uintptr_t)disk;
}

/* Counts it; is it made to fail? */
static enum hf_code step(struct crash *crash, enum crash_op op, struct hf_err *err)
{
	uint64_t n = ++crash->counts[op];

	crash->operations++;
	if (crash->fail_from[op] != 0 && n >= crash->fail_from[op] && n <= crash->fail_to[op])
		return hf_fail(err, crash->fail_code[op], "made to fail");
	return HF_OK;
}

/* The power may go here. */
static void tell(struct crash *crash, enum crash_op op, const char *path)
{
	if (crash->hook.operation != NULL)
		crash->hook.operation(crash->hook.context, crash->operations, op, path);
}

static struct handle *handle_of(struct crash *crash, int file)
{
	crash_must(file >= 0 && file < HANDLES_MAX && crash->handles[file].used,
		   "a file that is not open");
	return &crash->handles[file];
}

static int new_handle(struct crash *crash, int node, const char *path)
{
	for (int i = 0; i < HANDLES_MAX; i++)
		if (!crash->handles[i].used) {
			crash->handles[i] = (struct handle){ .used = true, .node = node };
			(void)snprintf(crash->handles[i].path, NAME_BYTES, "%s", path);
			return i;
		}
	crash_must(false, "too many open files");
	return -1;
}

static bool names_hold(const struct names *names, int node)
{
	for (size_t i = 0; i < names->count; i++)
		if (names->list[i].node == node)
			return true;
	return false;
}

static bool is_needed(const struct crash *crash, int node)
{
	for (size_t i = 0; i < crash->change_count; i++)
		if (crash->changes[i].node == node)
			return true;
	for (int i = 0; i < HANDLES_MAX; i++)
		if (crash->handles[i].used && crash->handles[i].node == node)
			return true;
	return names_hold(&crash->seen, node) || names_hold(&crash->stored, node);
}

static int new_node(struct crash *crash, bool folder)
{
	for (int i = 0; i < NODES_MAX; i++) {
		if (crash->nodes[i] != NULL && is_needed(crash, i))
			continue;
		node_free(crash->nodes[i]);
		crash->nodes[i] = calloc(1, sizeof *crash->nodes[i]);
		crash_must(crash->nodes[i] != NULL, "out of memory");
		crash->nodes[i]->folder = folder;
		return i;
	}
	crash_must(false, "too many files");
	return -1;
}

static bool has_folder(const struct crash *crash, const char *path)
{
	char folder[NAME_BYTES];

	folder_of(path, folder);
	return strcmp(folder, ".") == 0 || names_find(&crash->seen, folder) != NULL;
}

static enum hf_code crash_open(struct hf_disk *disk, const char *path, enum hf_disk_how how,
			       int *ret_file, struct hf_err *err)
{
	struct crash *crash = crash_of(disk);
	const struct name *name = names_find(&crash->seen, path);

	if (name != NULL && how == HF_DISK_CREATE)
		return hf_fail(err, HF_E_INVALID, "%s exists", path);
	if (name != NULL) {
		int node = name->node;

		if (how == HF_DISK_REPLACE && crash->nodes[node]->seen.size > 0) {
			enum hf_code code = step(crash, CRASH_TRUNCATE, err);

			if (code != HF_OK)
				return code;
			node_truncate(crash->nodes[node], 0);
			tell(crash, CRASH_TRUNCATE, path);
		}
		*ret_file = new_handle(crash, node, path);
		return HF_OK;
	}
	if (how == HF_DISK_READ || how == HF_DISK_WRITE || !has_folder(crash, path))
		return hf_fail(err, HF_E_NOENT, "%s does not exist", path);
	enum hf_code code = step(crash, CRASH_CREATE, err);
	if (code != HF_OK)
		return code;
	int node = new_node(crash, false);
	change_name(crash, "", path, node);
	*ret_file = new_handle(crash, node, path);
	tell(crash, CRASH_CREATE, path);
	return HF_OK;
}

static void crash_close(struct hf_disk *disk, int file)
{
	handle_of(crash_of(disk), file)->used = false;
}

static enum hf_code crash_read(struct hf_disk *disk, int file, uint64_t offset, void *ret_data,
			       size_t size_bytes, size_t *ret_bytes, struct hf_err *err)
{
	struct crash *crash = crash_of(disk);
	const struct content *seen = &crash->nodes[handle_of(crash, file)->node]->seen;
	size_t left = offset < seen->size ? (size_t)(seen->size - offset) : 0;
	size_t size = size_bytes < left ? size_bytes : left;

	(void)err;
	for (size_t done = 0; done < size;) {
		const struct block *block = seen->blocks[(offset + done) / CRASH_BLOCK_BYTES];
		size_t at = (size_t)((offset + done) % CRASH_BLOCK_BYTES);
		size_t piece =
			CRASH_BLOCK_BYTES - at < size - done ? CRASH_BLOCK_BYTES - at : size - done;

		if (block != NULL)
			memcpy((char *)ret_data + done, block->data + at, piece);
		else
			memset((char *)ret_data + done, 0, piece);
		done += piece;
	}
	*ret_bytes = size;
	return HF_OK;
}

static enum hf_code crash_write(struct hf_disk *disk, int file, uint64_t offset, const void *data,
				size_t size_bytes, struct hf_err *err)
{
	struct crash *crash = crash_of(disk);
	struct handle *handle = handle_of(crash, file);
	enum hf_code code = step(crash, CRASH_WRITE, err);

	node_write(crash->nodes[handle->node], offset, data,
		   code == HF_OK ? size_bytes : size_bytes / 2);
	tell(crash, CRASH_WRITE, handle->path);
	return code;
}

static enum hf_code crash_sync(struct hf_disk *disk, int file, struct hf_err *err)
{
	struct crash *crash = crash_of(disk);
	struct handle *handle = handle_of(crash, file);
	struct node *node = crash->nodes[handle->node];
	enum hf_code code = step(crash, CRASH_SYNC, err);

	tell(crash, CRASH_SYNC, handle->path);
	if (code == HF_OK)
		node_sync(node);
	else
		node_sync_failed(node);
	return code;
}

static enum hf_code crash_truncate(struct hf_disk *disk, int file, uint64_t size_bytes,
				   struct hf_err *err)
{
	struct crash *crash = crash_of(disk);
	struct handle *handle = handle_of(crash, file);
	enum hf_code code = step(crash, CRASH_TRUNCATE, err);

	if (code != HF_OK)
		return code;
	node_truncate(crash->nodes[handle->node], size_bytes);
	tell(crash, CRASH_TRUNCATE, handle->path);
	return HF_OK;
}

static enum hf_code crash_size(struct hf_disk *disk, int file, uint64_t *ret_bytes,
			       struct hf_err *err)
{
	struct crash *crash = crash_of(disk);

	(void)err;
	*ret_bytes = crash->nodes[handle_of(crash, file)->node]->seen.size;
	return HF_OK;
}

static void crash_forget(struct hf_disk *disk, int file)
{
	struct crash *crash = crash_of(disk);

	node_forget(crash->nodes[handle_of(crash, file)->node]);
}

static enum hf_code crash_rename(struct hf_disk *disk, const char *from, const char *to,
				 struct hf_err *err)
{
	struct crash *crash = crash_of(disk);
	const struct name *name = names_find(&crash->seen, from);

	if (name == NULL || !has_folder(crash, to))
		return hf_fail(err, HF_E_NOENT, "rename %s to %s", from, to);
	enum hf_code code = step(crash, CRASH_RENAME, err);
	if (code != HF_OK)
		return code;
	for (int i = 0; i < HANDLES_MAX; i++)
		if (crash->handles[i].used && crash->handles[i].node == name->node)
			(void)snprintf(crash->handles[i].path, NAME_BYTES, "%s", to);
	change_name(crash, from, to, name->node);
	tell(crash, CRASH_RENAME, to);
	return HF_OK;
}

static enum hf_code crash_unlink(struct hf_disk *disk, const char *path, struct hf_err *err)
{
	struct crash *crash = crash_of(disk);
	const struct name *name = names_find(&crash->seen, path);

	if (name == NULL)
		return hf_fail(err, HF_E_NOENT, "remove %s", path);
	enum hf_code code = step(crash, CRASH_UNLINK, err);
	if (code != HF_OK)
		return code;
	change_name(crash, path, "", name->node);
	tell(crash, CRASH_UNLINK, path);
	return HF_OK;
}

static enum hf_code crash_folder_make(struct hf_disk *disk, const char *path, struct hf_err *err)
{
	struct crash *crash = crash_of(disk);

	if (names_find(&crash->seen, path) != NULL)
		return HF_OK;
	enum hf_code code = step(crash, CRASH_CREATE, err);
	if (code != HF_OK)
		return code;
	change_name(crash, "", path, new_node(crash, true));
	tell(crash, CRASH_CREATE, path);
	return HF_OK;
}

static bool is_in(const char *path, const char *folder)
{
	char own[NAME_BYTES];

	if (path[0] == '\0')
		return false;
	folder_of(path, own);
	return strcmp(own, folder) == 0;
}

static enum hf_code crash_folder_sync(struct hf_disk *disk, const char *path, struct hf_err *err)
{
	struct crash *crash = crash_of(disk);
	enum hf_code code = step(crash, CRASH_FOLDER_SYNC, err);
	size_t kept = 0;

	tell(crash, CRASH_FOLDER_SYNC, path);
	if (code != HF_OK)
		return code;
	for (size_t i = 0; i < crash->change_count; i++) {
		const struct change *change = &crash->changes[i];

		if (is_in(change->from, path) || is_in(change->to, path))
			names_apply(&crash->stored, change);
		else if (kept++ != i)
			crash->changes[kept - 1] = *change;
	}
	crash->change_count = kept;
	return HF_OK;
}

static enum hf_code crash_list(struct hf_disk *disk, const char *path,
			       const struct hf_disk_lister *lister, struct hf_err *err)
{
	struct crash *crash = crash_of(disk);

	if (strcmp(path, ".") != 0 && names_find(&crash->seen, path) == NULL)
		return hf_fail(err, HF_E_NOENT, "list %s", path);
	for (size_t i = 0; i < crash->seen.count; i++) {
		const struct name *name = &crash->seen.list[i];
		const struct node *node = crash->nodes[name->node];
		const char *slash = strrchr(name->path, '/');
		struct hf_disk_entry entry = {
			.name = slash == NULL ? name->path : slash + 1,
			.size_bytes = lister->names_only ? 0 : node->seen.size,
			.folder = node->folder,
		};

		if (is_in(name->path, path) && !lister->entry(lister->context, &entry))
			break;
	}
	return HF_OK;
}

static enum hf_code crash_lock(struct hf_disk *disk, const char *path, int *ret_file,
			       struct hf_err *err)
{
	struct crash *crash = crash_of(disk);

	for (int i = 0; i < HANDLES_MAX; i++)
		if (crash->handles[i].used && crash->handles[i].lock &&
		    strcmp(crash->handles[i].path, path) == 0)
			return hf_fail(err, HF_E_AGAIN, "%s is locked", path);
	enum hf_code code = crash_open(
		disk, path, names_find(&crash->seen, path) != NULL ? HF_DISK_WRITE : HF_DISK_CREATE,
		ret_file, err);
	if (code == HF_OK)
		crash->handles[*ret_file].lock = true;
	return code;
}

static enum hf_code crash_free_space(struct hf_disk *disk, uint64_t *ret_bytes, struct hf_err *err)
{
	(void)disk;
	(void)err;
	*ret_bytes = UINT64_C(1) << 40;
	return HF_OK;
}

static enum hf_code crash_reserve(struct hf_disk *disk, int file, uint64_t offset,
				  uint64_t size_bytes, struct hf_err *err)
{
	(void)disk;
	(void)file;
	(void)offset;
	(void)size_bytes;
	(void)err;
	return HF_OK;
}

static enum hf_code crash_links(struct hf_disk *disk, int file, uint64_t *ret_count,
				struct hf_err *err)
{
	struct crash *crash = crash_of(disk);

	(void)err;
	*ret_count = names_hold(&crash->seen, handle_of(crash, file)->node) ? 1 : 0;
	return HF_OK;
}

static uint64_t crash_block_bytes(struct hf_disk *disk)
{
	(void)disk;
	return CRASH_BLOCK_BYTES;
}

static const struct hf_disk_ops crash_ops = {
	.open = crash_open,
	.close = crash_close,
	.read = crash_read,
	.write = crash_write,
	.sync = crash_sync,
	.truncate = crash_truncate,
	.size = crash_size,
	.forget = crash_forget,
	.rename = crash_rename,
	.unlink = crash_unlink,
	.folder_make = crash_folder_make,
	.folder_sync = crash_folder_sync,
	.list = crash_list,
	.lock = crash_lock,
	.free_space = crash_free_space,
	.reserve = crash_reserve,
	.links = crash_links,
	.block_bytes = crash_block_bytes,
};

/* --- for tests --- */

struct hf_disk *crash_disk_new(void)
{
	struct crash *crash = malloc(sizeof *crash);

	crash_must(crash != NULL, "out of memory");
	/* Without the tables: most disks use little of them. */
	memset(crash, 0, offsetof(struct crash, seen));
	crash->seen.count = crash->stored.count = crash->change_count = 0;
	memset(crash->handles, 0, sizeof crash->handles);
	memset(crash->nodes, 0, sizeof crash->nodes);
	crash->disk.ops = &crash_ops;
	return &crash->disk;
}

void crash_disk_free(struct hf_disk *disk)
{
	struct crash *crash = crash_of(disk);

	if (disk == NULL)
		return;
	for (size_t i = 0; i < NODES_MAX; i++)
		node_free(crash->nodes[i]);
	free(crash);
}

void crash_disk_hook(struct hf_disk *disk, struct crash_hook hook)
{
	crash_of(disk)->hook = hook;
}

void crash_disk_fail(struct hf_disk *disk, enum crash_op op, uint64_t nth, uint64_t count,
		     enum hf_code code)
{
	struct crash *crash = crash_of(disk);

	crash->fail_from[op] = nth;
	crash->fail_to[op] = nth + count - 1;
	crash->fail_code[op] = code;
}

uint64_t crash_disk_operations(const struct hf_disk *disk)
{
	return crash_of(disk)->operations;
}

uint64_t crash_disk_count(const struct hf_disk *disk, enum crash_op op)
{
	return crash_of(disk)->counts[op];
}

struct hf_disk *crash_disk_copy(const struct hf_disk *disk)
{
	const struct crash *from = crash_of(disk);
	struct crash *to = crash_of(crash_disk_new());

	to->seen = from->seen;
	to->stored = from->stored;
	to->change_count = from->change_count;
	memcpy(to->changes, from->changes, from->change_count * sizeof *from->changes);
	for (size_t i = 0; i < NODES_MAX; i++) {
		const struct node *node = from->nodes[i];

		if (node == NULL)
			continue;
		to->nodes[i] = calloc(1, sizeof *to->nodes[i]);
		crash_must(to->nodes[i] != NULL, "out of memory");
		to->nodes[i]->folder = node->folder;
		content_copy(&to->nodes[i]->seen, &node->seen);
		content_copy(&to->nodes[i]->stored, &node->stored);
		undecided_add(&to->nodes[i]->dirty, &node->dirty);
		undecided_add(&to->nodes[i]->limbo, &node->limbo);
	}
	return &to->disk;
}

uint64_t crash_disk_hash(const struct hf_disk *disk)
{
	const struct crash *crash = crash_of(disk);
	uint64_t hash = 0;

	for (size_t i = 0; i < crash->seen.count; i++)
		hash += hash_mix(crash->seen.list[i].hash,
				 content_hash(&crash->nodes[crash->seen.list[i].node]->seen));
	return hash;
}

void crash_disk_flip(struct hf_disk *disk, const char *path, uint64_t bit)
{
	struct crash *crash = crash_of(disk);
	const struct name *name = names_find(&crash->seen, path);

	crash_must(name != NULL, path);
	struct node *node = crash->nodes[name->node];
	size_t index = (size_t)(bit / 8 / CRASH_BLOCK_BYTES);
	crash_must(bit / 8 < node->seen.size && node->seen.blocks[index] != NULL,
		   "a bit behind the end");
	struct block *block = block_new();
	memcpy(block->data, node->seen.blocks[index]->data, CRASH_BLOCK_BYTES);
	block->data[bit / 8 % CRASH_BLOCK_BYTES] ^= (char)(1 << bit % 8);
	block = block_finish(block);
	block_drop(node->seen.blocks[index]);
	block_drop(node->stored.blocks[index]);
	node->seen.blocks[index] = block;
	node->stored.blocks[index] = block_ref(block);
}
