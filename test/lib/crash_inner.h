/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * crash_inner - what crash_disk.c (the disk) and crash_cut.c (what a cut could
 * leave of it) share. Nobody else includes it.
 */
#include "crash_disk.h"

enum {
	BLOCKS_MAX = 64, /* of one file */
	NODES_MAX = 64,
	NAMES_MAX = 64,
	NAME_BYTES = 64,
	HANDLES_MAX = 32,
	CHANGES_MAX = 96,
	VERSIONS_MAX = 48,
	SIZES_MAX = 64,
};

/* Never changed once it is in a file. NULL stands for zeros. */
struct block {
	uint32_t refs;
	uint32_t used; /* bytes up to the last one that is not zero */
	uint64_t hash;
	char data[CRASH_BLOCK_BYTES];
};

struct content {
	uint64_t size;
	struct block *blocks[BLOCKS_MAX];
};

/* What a page was after each write. */
struct versions {
	uint32_t index;
	uint32_t count;
	struct block *list[VERSIONS_MAX];
};

struct undecided {
	size_t block_count;
	size_t block_room;
	struct versions *blocks;
	size_t size_count;
	uint64_t sizes[SIZES_MAX];
};

struct node {
	bool folder;
	struct content seen;
	struct content stored;
	struct undecided dirty; /* since the last flush */
	struct undecided limbo; /* a flush of it failed */
};

struct name {
	char path[NAME_BYTES];
	uint64_t hash;
	int node;
};

struct names {
	size_t count;
	struct name list[NAMES_MAX];
};

/* from empty: a creation; to empty: a removal; both: a rename. */
struct change {
	char from[NAME_BYTES];
	char to[NAME_BYTES];
	int node;
};

struct handle {
	bool used;
	int node;
	char path[NAME_BYTES];
	bool lock;
};

struct crash {
	struct hf_disk disk;
	struct crash_hook hook;
	uint64_t operations;
	uint64_t counts[CRASH_OP_COUNT];
	uint64_t fail_from[CRASH_OP_COUNT];
	uint64_t fail_to[CRASH_OP_COUNT];
	enum hf_code fail_code[CRASH_OP_COUNT];
	struct names seen;
	struct names stored;
	size_t change_count;
	struct change changes[CHANGES_MAX];
	struct handle handles[HANDLES_MAX];
	struct node *nodes[NODES_MAX];
};

void crash_must(bool condition, const char *what);

struct block *block_new(void);                   /* to be filled, then finished */
struct block *block_finish(struct block *block); /* NULL when it is all zeros */
struct block *block_ref(struct block *block);
void block_drop(struct block *block);
/* Zeros from used on; a new reference. */
struct block *block_trim(struct block *block, uint32_t used);

void names_apply(struct names *names, const struct change *change);
const struct name *names_find(const struct names *names, const char *path);
/* A name whose folder was lost is lost. */
void names_prune(struct names *names);
void folder_of(const char *path, char ret_folder[NAME_BYTES]);
uint64_t hash_mix(uint64_t a, uint64_t b);
uint64_t content_hash(const struct content *content);
