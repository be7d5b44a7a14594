/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: what is undecided becomes a list of items, each with its forms: form 0
 * is what was flushed, form 1 is what was written, the others lie between. A
 * combination is a baseline (all 0 or all 1) and up to three items that take
 * another form. Combinations are laid out once, with the number of their first
 * variant, so that any variant is found by its number.
 */
#include "crash_inner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	ITEMS_MAX = 96,
	FORMS_MAX = 160,
	SECTORS = CRASH_BLOCK_BYTES / CRASH_SECTOR_BYTES,
	TRIMMED_MAX = 256,
};

enum item_kind {
	ITEM_BLOCK,
	ITEM_SIZE,
	ITEM_NAME,
};

struct item {
	enum item_kind kind;
	int node;
	uint32_t index; /* of the block, or of the change */
	size_t form_count;
	union {
		struct block **blocks;
		uint64_t *sizes;
	} forms;
};

struct combination {
	uint64_t first;
	uint8_t baseline;
	uint8_t count;
	uint8_t items[CRASH_DEVIATIONS];
};

struct crash_cut {
	struct crash *crash;
	const char *plain;
	size_t item_count;
	struct item items[ITEMS_MAX];
	size_t combination_count;
	struct combination *combinations;
	uint64_t variants;
	uint64_t variants_single;
	/* The variant chosen. */
	uint8_t forms[ITEMS_MAX];
	struct names names;
	bool made[NODES_MAX];
	struct content contents[NODES_MAX]; /* borrowed blocks */
	size_t trimmed_count;
	struct block *trimmed[TRIMMED_MAX];
};

/* Takes the block. */
static void add_block(struct item *item, struct block *block)
{
	for (size_t i = 0; i < item->form_count; i++) {
		const struct block *other = item->forms.blocks[i];

		if (other == block ||
		    (other != NULL && block != NULL && other->hash == block->hash)) {
			/* Form 1 stays form 1, were it the same as form 0. */
			if (item->form_count == 1)
				break;
			block_drop(block);
			return;
		}
	}
	crash_must(item->form_count < FORMS_MAX, "too many forms of a page");
	item->forms.blocks[item->form_count++] = block;
}

/* base with the bytes from..to of over. */
static struct block *mixed(const struct block *base, const struct block *over, size_t from,
			   size_t to)
{
	struct block *block = block_new();

	if (base != NULL)
		memcpy(block->data, base->data, CRASH_BLOCK_BYTES);
	else
		memset(block->data, 0, CRASH_BLOCK_BYTES);
	if (over != NULL)
		memcpy(block->data + from, over->data + from, to - from);
	else
		memset(block->data + from, 0, to - from);
	return block_finish(block);
}

static void add_tears(struct item *item, const struct block *old, const struct block *new)
{
	for (size_t s = 1; s < SECTORS; s++) {
		add_block(item, mixed(old, new, 0, s * CRASH_SECTOR_BYTES));
		add_block(item, mixed(old, new, s * CRASH_SECTOR_BYTES, CRASH_BLOCK_BYTES));
	}
}

static struct block *garbage(const struct item *item)
{
	struct block *block = block_new();

	for (uint64_t i = 0; i < CRASH_BLOCK_BYTES; i += 8) {
		uint64_t word = hash_mix(item->index + 1, i);

		memcpy(block->data + i, &word, 8);
	}
	return block_finish(block);
}

static bool contains(const struct content *content, const char *text)
{
	static char bytes[BLOCKS_MAX * CRASH_BLOCK_BYTES];
	size_t count = (size_t)((content->size + CRASH_BLOCK_BYTES - 1) / CRASH_BLOCK_BYTES);

	for (size_t i = 0; i < count; i++)
		if (content->blocks[i] != NULL)
			memcpy(bytes + i * CRASH_BLOCK_BYTES, content->blocks[i]->data,
			       CRASH_BLOCK_BYTES);
		else
			memset(bytes + i * CRASH_BLOCK_BYTES, 0, CRASH_BLOCK_BYTES);
	return memmem(bytes, count * CRASH_BLOCK_BYTES, text, strlen(text)) != NULL;
}

/* Zeros and garbage: of the whole page, or where it was written. */
static void add_losses(struct item *item, bool plain, const struct block *old,
		       const struct block *new)
{
	struct block *noise = garbage(item);
	size_t from = 0, to = CRASH_BLOCK_BYTES;

	if (plain) {
		static const char zeros[CRASH_BLOCK_BYTES];
		const char *a = old != NULL ? old->data : zeros;
		const char *b = new != NULL ? new->data : zeros;

		while (from < to && a[from] == b[from])
			from++;
		while (to > from && a[to - 1] == b[to - 1])
			to--;
	}
	add_block(item, mixed(old, NULL, from, to));
	add_block(item, mixed(new, NULL, from, to));
	add_block(item, mixed(old, noise, from, to));
	add_block(item, mixed(new, noise, from, to));
	block_drop(noise);
}

static void item_clear(struct item *item)
{
	if (item->kind == ITEM_BLOCK)
		for (size_t k = 0; k < item->form_count; k++)
			block_drop(item->forms.blocks[k]);
	if (item->kind == ITEM_BLOCK)
		free(item->forms.blocks);
	if (item->kind == ITEM_SIZE)
		free(item->forms.sizes);
}

/* What would be the same either way and in between is decided. */
static void keep_item(struct crash_cut *cut, bool same)
{
	struct item *item = &cut->items[cut->item_count];

	if (same && item->form_count == 2)
		item_clear(item);
	else
		cut->item_count++;
}

static void add_block_item(struct crash_cut *cut, int index, uint32_t block, bool plain)
{
	const struct node *node = cut->crash->nodes[index];
	const struct undecided *both[] = { &node->limbo, &node->dirty };
	struct block *versions[2 * VERSIONS_MAX + 1];
	size_t count = 0;

	crash_must(cut->item_count < ITEMS_MAX, "too many undecided things");
	struct item *item = &cut->items[cut->item_count];
	*item = (struct item){ .kind = ITEM_BLOCK, .node = index, .index = block };
	item->forms.blocks = calloc(FORMS_MAX, sizeof(struct block *));
	crash_must(item->forms.blocks != NULL, "out of memory");
	versions[count++] = node->stored.blocks[block];
	for (size_t u = 0; u < 2; u++)
		for (size_t i = 0; i < both[u]->block_count; i++)
			for (size_t k = 0;
			     both[u]->blocks[i].index == block && k < both[u]->blocks[i].count; k++)
				versions[count++] = both[u]->blocks[i].list[k];
	struct block *old = versions[0], *new = versions[count - 1];
	add_block(item, block_ref(old));
	add_block(item, block_ref(new));
	for (size_t i = 1; i + 1 < count; i++)
		add_block(item, block_ref(versions[i]));
	add_tears(item, old, new);
	if (count > 2)
		add_tears(item, versions[count - 2], new);
	add_losses(item, plain, old, new);
	keep_item(cut, item->forms.blocks[0] == item->forms.blocks[1]);
}

static void add_size(struct item *item, uint64_t size)
{
	for (size_t i = 0; i < item->form_count; i++)
		if (item->forms.sizes[i] == size && item->form_count > 1)
			return;
	if (item->form_count < FORMS_MAX)
		item->forms.sizes[item->form_count++] = size;
}

static void add_size_item(struct crash_cut *cut, int index)
{
	const struct node *node = cut->crash->nodes[index];
	uint64_t old = node->stored.size, new = node->seen.size;

	if (node->dirty.size_count + node->limbo.size_count == 0)
		return;
	crash_must(cut->item_count < ITEMS_MAX, "too many undecided things");
	struct item *item = &cut->items[cut->item_count];
	*item = (struct item){ .kind = ITEM_SIZE, .node = index };
	item->forms.sizes = calloc(FORMS_MAX, sizeof(uint64_t));
	crash_must(item->forms.sizes != NULL, "out of memory");
	add_size(item, old);
	add_size(item, new);
	for (size_t i = 0; i < node->limbo.size_count; i++)
		add_size(item, node->limbo.sizes[i]);
	for (size_t i = 0; i < node->dirty.size_count; i++)
		add_size(item, node->dirty.sizes[i]);
	/* The size may follow the pages as they go out. */
	for (uint64_t at = old - old % CRASH_BLOCK_BYTES + CRASH_BLOCK_BYTES; at < new;
	     at += CRASH_BLOCK_BYTES)
		add_size(item, at);
	keep_item(cut, old == new);
}

static bool is_reachable(const struct crash *crash, int node)
{
	for (size_t i = 0; i < crash->stored.count; i++)
		if (crash->stored.list[i].node == node)
			return true;
	for (size_t i = 0; i < crash->change_count; i++)
		if (crash->changes[i].node == node && crash->changes[i].to[0] != '\0')
			return true;
	return false;
}

static void add_items(struct crash_cut *cut)
{
	const struct crash *crash = cut->crash;

	for (int i = 0; i < NODES_MAX; i++) {
		const struct node *node = crash->nodes[i];

		if (node == NULL || node->folder || !is_reachable(crash, i))
			continue;
		bool plain = node->limbo.block_count + node->dirty.block_count > 0 &&
			     contains(&node->seen, cut->plain);
		for (size_t k = 0; k < node->limbo.block_count; k++)
			add_block_item(cut, i, node->limbo.blocks[k].index, plain);
		for (size_t k = 0; k < node->dirty.block_count; k++) {
			uint32_t block = node->dirty.blocks[k].index;
			bool twice = false;

			for (size_t l = 0; l < node->limbo.block_count; l++)
				twice = twice || node->limbo.blocks[l].index == block;
			if (!twice)
				add_block_item(cut, i, block, plain);
		}
		add_size_item(cut, i);
	}
	for (size_t i = 0; i < crash->change_count; i++) {
		crash_must(cut->item_count < ITEMS_MAX, "too many undecided things");
		cut->items[cut->item_count++] =
			(struct item){ .kind = ITEM_NAME, .index = (uint32_t)i, .form_count = 2 };
	}
}

static void add_combination(struct crash_cut *cut, uint8_t baseline, const uint8_t *items,
			    uint8_t count, size_t *room)
{
	uint64_t variants = 1;

	if (cut->combination_count == *room) {
		*room = *room == 0 ? 256 : 2 * *room;
		cut->combinations = realloc(cut->combinations, *room * sizeof *cut->combinations);
		crash_must(cut->combinations != NULL, "out of memory");
	}
	struct combination *combination = &cut->combinations[cut->combination_count++];
	*combination = (struct combination){ .first = cut->variants,
					     .baseline = baseline,
					     .count = count };
	for (size_t i = 0; i < count; i++) {
		combination->items[i] = items[i];
		variants *= cut->items[items[i]].form_count - 1;
	}
	cut->variants += variants;
}

static void lay_out(struct crash_cut *cut)
{
	size_t room = 0;
	uint8_t n = (uint8_t)cut->item_count;

	for (uint8_t size = 0; size <= CRASH_DEVIATIONS; size++) {
		if (size == 2)
			cut->variants_single = cut->variants;
		for (uint8_t baseline = 0; baseline < 2; baseline++) {
			if (size == 0)
				add_combination(cut, baseline, NULL, 0, &room);
			for (uint8_t a = 0; size >= 1 && a < n; a++) {
				if (size == 1)
					add_combination(cut, baseline, (uint8_t[]){ a }, 1, &room);
				for (uint8_t b = (uint8_t)(a + 1); size >= 2 && b < n; b++) {
					if (size == 2)
						add_combination(cut, baseline, (uint8_t[]){ a, b },
								2, &room);
					for (uint8_t c = (uint8_t)(b + 1); size == 3 && c < n; c++)
						add_combination(cut, baseline,
								(uint8_t[]){ a, b, c }, 3, &room);
				}
			}
		}
	}
}

struct crash_cut *crash_cut_new(struct hf_disk *disk, const char *plain)
{
	struct crash_cut *cut = malloc(sizeof *cut);

	crash_must(cut != NULL, "out of memory");
	memset(cut, 0, offsetof(struct crash_cut, contents));
	cut->trimmed_count = 0;
	cut->crash = (struct crash *)disk;
	cut->plain = plain;
	add_items(cut);
	lay_out(cut);
	return cut;
}

static void drop_trimmed(struct crash_cut *cut)
{
	while (cut->trimmed_count > 0)
		block_drop(cut->trimmed[--cut->trimmed_count]);
}

void crash_cut_free(struct crash_cut *cut)
{
	drop_trimmed(cut);
	for (size_t i = 0; i < cut->item_count; i++)
		item_clear(&cut->items[i]);
	free(cut->combinations);
	free(cut);
}

uint64_t crash_cut_variants(const struct crash_cut *cut)
{
	return cut->variants;
}

uint64_t crash_cut_variants_single(const struct crash_cut *cut)
{
	return cut->variants_single;
}

size_t crash_cut_items(const struct crash_cut *cut)
{
	return cut->item_count;
}

static const struct combination *find(const struct crash_cut *cut, uint64_t variant)
{
	size_t low = 0, high = cut->combination_count;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (cut->combinations[middle].first <= variant)
			low = middle;
		else
			high = middle;
	}
	return &cut->combinations[low];
}

/* Nothing is seen of a file behind its end. */
static void trim(struct crash_cut *cut, struct content *content)
{
	size_t whole = (size_t)(content->size / CRASH_BLOCK_BYTES);
	uint32_t rest = (uint32_t)(content->size % CRASH_BLOCK_BYTES);

	for (size_t i = whole + (rest > 0 ? 1 : 0); i < BLOCKS_MAX; i++)
		content->blocks[i] = NULL;
	if (rest == 0 || content->blocks[whole] == NULL || content->blocks[whole]->used <= rest)
		return;
	crash_must(cut->trimmed_count < TRIMMED_MAX, "too many ends of files");
	content->blocks[whole] = block_trim(content->blocks[whole], rest);
	cut->trimmed[cut->trimmed_count++] = content->blocks[whole];
}

uint64_t crash_cut_choose(struct crash_cut *cut, uint64_t variant)
{
	const struct combination *combination = find(cut, variant);
	uint64_t rest = variant - combination->first;
	uint64_t hash = 0;

	crash_must(variant < cut->variants, "no such variant");
	drop_trimmed(cut);
	memset(cut->forms, combination->baseline, cut->item_count);
	for (size_t i = 0; i < combination->count; i++) {
		const struct item *item = &cut->items[combination->items[i]];
		uint64_t choice = rest % (item->form_count - 1);

		rest /= item->form_count - 1;
		cut->forms[combination->items[i]] =
			(uint8_t)(choice + (choice >= combination->baseline ? 1 : 0));
	}
	cut->names = cut->crash->stored;
	for (size_t i = 0; i < cut->item_count; i++)
		if (cut->items[i].kind == ITEM_NAME && cut->forms[i] == 1)
			names_apply(&cut->names, &cut->crash->changes[cut->items[i].index]);
	names_prune(&cut->names);
	memset(cut->made, 0, sizeof cut->made);
	for (size_t i = 0; i < cut->names.count; i++) {
		int node = cut->names.list[i].node;

		cut->made[node] = true;
		cut->contents[node] = cut->crash->nodes[node]->stored;
	}
	for (size_t i = 0; i < cut->item_count; i++) {
		const struct item *item = &cut->items[i];

		if (item->kind == ITEM_NAME || !cut->made[item->node])
			continue;
		if (item->kind == ITEM_BLOCK)
			cut->contents[item->node].blocks[item->index] =
				item->forms.blocks[cut->forms[i]];
		else
			cut->contents[item->node].size = item->forms.sizes[cut->forms[i]];
	}
	for (int i = 0; i < NODES_MAX; i++)
		if (cut->made[i])
			trim(cut, &cut->contents[i]);
	for (size_t i = 0; i < cut->names.count; i++)
		hash += hash_mix(cut->names.list[i].hash,
				 content_hash(&cut->contents[cut->names.list[i].node]));
	return hash;
}

struct hf_disk *crash_cut_disk(const struct crash_cut *cut)
{
	struct crash *crash = (struct crash *)crash_disk_new();

	crash->seen.count = cut->names.count;
	memcpy(crash->seen.list, cut->names.list, cut->names.count * sizeof *cut->names.list);
	crash->stored.count = cut->names.count;
	memcpy(crash->stored.list, cut->names.list, cut->names.count * sizeof *cut->names.list);
	for (size_t i = 0; i < NODES_MAX; i++) {
		if (!cut->made[i])
			continue;
		struct node *node = calloc(1, sizeof *node);
		crash_must(node != NULL, "out of memory");
		node->folder = cut->crash->nodes[i]->folder;
		node->seen = cut->contents[i];
		node->stored = cut->contents[i];
		for (size_t k = 0; k < BLOCKS_MAX; k++)
			if (node->seen.blocks[k] != NULL)
				node->seen.blocks[k]->refs += 2;
		crash->nodes[i] = node;
	}
	return &crash->disk;
}

static const char *node_path(const struct crash *crash, int node)
{
	for (size_t i = 0; i < crash->seen.count; i++)
		if (crash->seen.list[i].node == node)
			return crash->seen.list[i].path;
	for (size_t i = 0; i < crash->stored.count; i++)
		if (crash->stored.list[i].node == node)
			return crash->stored.list[i].path;
	return "a file without a name";
}

void crash_cut_describe(const struct crash_cut *cut, char *ret_text, size_t size_bytes)
{
	size_t used = 0;

	ret_text[0] = '\0';
	for (size_t i = 0; i < cut->item_count && used < size_bytes; i++) {
		const struct item *item = &cut->items[i];
		static const char *const done[] = { "not done", "done" };
		char form[48];
		int n = 0;

		if (cut->forms[i] < 2)
			(void)snprintf(form, sizeof form, "%s", cut->forms[i] == 0 ? "old" : "new");
		else
			(void)snprintf(form, sizeof form, "form %u of %zu", cut->forms[i],
				       item->form_count);
		if (item->kind == ITEM_BLOCK)
			n = snprintf(ret_text + used, size_bytes - used, "  %s page %u: %s\n",
				     node_path(cut->crash, item->node), item->index, form);
		else if (item->kind == ITEM_SIZE)
			n = snprintf(ret_text + used, size_bytes - used, "  %s size: %llu (%s)\n",
				     node_path(cut->crash, item->node),
				     (unsigned long long)item->forms.sizes[cut->forms[i]], form);
		else
			n = snprintf(ret_text + used, size_bytes - used, "  \"%s\" -> \"%s\": %s\n",
				     cut->crash->changes[item->index].from,
				     cut->crash->changes[item->index].to, done[cut->forms[i]]);
		used += n > 0 ? (size_t)n : 0;
	}
}
