/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: each world once, kept as bytes in one block, found again by their hash. The edges are
 * kept, too, turned round and in groups; see search_inner.h for what a group is.
 */
#include "recover/search_inner.h"

#include <stdlib.h>
#include <string.h>

static bool grow(void **block, uint64_t needed, uint64_t *room, size_t each)
{
	if (needed <= *room)
		return true;
	uint64_t larger = *room == 0 ? 4096 : *room * 2;
	void *moved = realloc(*block, (size_t)(larger > needed ? larger : needed) * each);

	if (moved == NULL)
		return false;
	*block = moved;
	*room = larger > needed ? larger : needed;
	return true;
}

static bool grow32(void **block, uint32_t needed, uint32_t *room, size_t each)
{
	uint64_t wide = *room;
	bool grown = grow(block, needed, &wide, each);

	*room = (uint32_t)wide;
	return grown;
}

static uint64_t hash_bytes(const uint8_t *data, size_t size_bytes)
{
	uint64_t hash = UINT64_C(0x9e3779b97f4a7c15) ^ size_bytes;

	while (size_bytes >= 8) {
		uint64_t word;

		memcpy(&word, data, 8);
		hash = (hash ^ word) * UINT64_C(0xff51afd7ed558ccd);
		hash ^= hash >> 32;
		data += 8;
		size_bytes -= 8;
	}
	while (size_bytes-- > 0)
		hash = (hash ^ *data++) * UINT64_C(0x100000001b3);
	hash ^= hash >> 29;
	hash *= UINT64_C(0xc4ceb9fe1a85ec53);
	return hash ^ hash >> 32;
}

const uint8_t *search_key_of(const struct graph *graph, uint32_t node)
{
	return &graph->keys[graph->nodes[node].at];
}

static size_t key_size(const struct graph *graph, uint32_t node)
{
	uint64_t end = node + 1 < graph->node_count ? graph->nodes[node + 1].at : graph->key_bytes;

	return (size_t)(end - graph->nodes[node].at);
}

static bool rehash(struct graph *graph)
{
	uint32_t room = graph->table_room == 0 ? 1U << 16 : graph->table_room * 2;
	uint32_t *table = calloc(room, sizeof *table);

	if (table == NULL)
		return false;
	for (uint32_t n = 0; n < graph->node_count; n++) {
		uint64_t slot = hash_bytes(search_key_of(graph, n), key_size(graph, n));

		while (table[slot & (room - 1)] != 0)
			slot++;
		table[slot & (room - 1)] = n + 1;
	}
	free(graph->table);
	graph->table = table;
	graph->table_room = room;
	return true;
}

/* Its place in the table: there, or free. */
static uint64_t place_of(const struct graph *graph, const uint8_t *key, size_t bytes)
{
	uint64_t slot = hash_bytes(key, bytes);

	for (;; slot++) {
		uint32_t there = graph->table[slot & (graph->table_room - 1)];

		if (there == 0 || (key_size(graph, there - 1) == bytes &&
				   memcmp(search_key_of(graph, there - 1), key, bytes) == 0))
			return slot & (graph->table_room - 1);
	}
}

uint32_t search_find(const struct graph *graph, const struct setup *setup,
		     const struct world *world)
{
	uint8_t key[KEY_BYTES_MAX];
	size_t bytes = search_key_put(setup, world, key);

	return graph->table_room == 0 ? UINT32_MAX : graph->table[place_of(graph, key, bytes)] - 1;
}

uint32_t search_intern(struct graph *graph, const struct setup *setup, const struct world *world,
		       const struct node *found)
{
	uint8_t key[KEY_BYTES_MAX];
	size_t bytes = search_key_put(setup, world, key);

	if (graph->node_count >= graph->table_room / 2 && !rehash(graph)) {
		graph->failed = true;
		return 0;
	}
	uint64_t place = place_of(graph, key, bytes);
	if (graph->table[place] != 0)
		return graph->table[place] - 1;
	if (!grow32((void **)&graph->nodes, graph->node_count + 1, &graph->node_room,
		    sizeof *graph->nodes) ||
	    !grow((void **)&graph->keys, graph->key_bytes + bytes, &graph->key_room, 1)) {
		graph->failed = true;
		return 0;
	}
	memcpy(&graph->keys[graph->key_bytes], key, bytes);
	struct node *node = &graph->nodes[graph->node_count];
	*node = *found;
	node->at = graph->key_bytes;
	node->is_healthy = world->live.shown == HF_STATE_HEALTHY;
	graph->key_bytes += bytes;
	graph->table[place] = ++graph->node_count;
	return graph->node_count - 1;
}

uint32_t search_add_group(struct graph *graph, uint32_t from)
{
	/* One that nothing came of is used again. */
	if (graph->group_count > 0 && graph->groups[graph->group_count - 1].edges == 0)
		graph->group_count--;
	if (!grow32((void **)&graph->groups, graph->group_count + 1, &graph->group_room,
		    sizeof *graph->groups)) {
		graph->failed = true;
		return 0;
	}
	graph->groups[graph->group_count] = (struct group){ .from = from };
	return graph->group_count++;
}

void search_add_edge(struct graph *graph, uint32_t group, uint32_t to)
{
	if (graph->failed || !grow((void **)&graph->edges, graph->edge_count + 1, &graph->edge_room,
				   sizeof *graph->edges)) {
		graph->failed = true;
		return;
	}
	graph->groups[group].edges++;
	graph->edges[graph->edge_count++] = (struct edge){ .group = group, .to = to };
}

void search_graph_free(struct graph *graph)
{
	free(graph->groups);
	free(graph->nodes);
	free(graph->edges);
	free(graph->keys);
	free(graph->table);
}

/* The edges' numbers, by where they lead. */
static uint64_t *sort_edges(const struct graph *graph, uint32_t *groups)
{
	uint64_t *first = calloc((size_t)graph->node_count + 2, sizeof *first);

	if (first == NULL)
		return NULL;
	for (uint64_t e = 0; e < graph->edge_count; e++)
		first[graph->edges[e].to + 2]++;
	for (uint32_t n = 2; n < graph->node_count + 2; n++)
		first[n] += first[n - 1];
	for (uint64_t e = 0; e < graph->edge_count; e++)
		groups[first[graph->edges[e].to + 1]++] = graph->edges[e].group;
	return first;
}

static void walk(struct graph *graph, const uint64_t *first, const uint32_t *groups,
		 uint32_t *queue, bool *met)
{
	uint32_t head = 0;
	uint32_t tail = 0;

	for (uint32_t n = 0; n < graph->node_count; n++)
		if (graph->nodes[n].is_healthy) {
			met[n] = true;
			queue[tail++] = n;
		}
	while (head < tail) {
		uint32_t n = queue[head++];

		for (uint64_t i = first[n]; i < first[n + 1]; i++) {
			struct group *group = &graph->groups[groups[i]];

			if (--group->edges > 0 || met[group->from])
				continue;
			met[group->from] = true;
			queue[tail++] = group->from;
		}
	}
}

void search_walk_back(struct graph *graph, void (*lost)(void *context, uint32_t node),
		      void *context)
{
	uint32_t *groups = malloc(((size_t)graph->edge_count + 1) * sizeof *groups);
	uint32_t *queue = malloc(((size_t)graph->node_count + 1) * sizeof *queue);
	bool *met = calloc((size_t)graph->node_count + 1, sizeof *met);
	uint64_t *first = groups != NULL ? sort_edges(graph, groups) : NULL;

	if (first == NULL || queue == NULL || met == NULL) {
		graph->failed = true;
	} else {
		walk(graph, first, groups, queue, met);
		for (uint32_t n = 0; n < graph->node_count; n++)
			if (!met[n])
				lost(context, n);
	}
	free(first);
	free(groups);
	free(queue);
	free(met);
}
