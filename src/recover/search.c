/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: breadth first, each world once, kept as bytes in one block, found again by their hash. The
 * edges are kept, too, turned round: from all that is healthy they are walked back, and what is not
 * met on the way has no path to healthy (I5).
 */
#include "recover/search.h"

#include "base/assert.h"
#include "recover/search_inner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	STATES_MAX = 4000000,
	PATH_MAX_STEPS = 256,
};

struct node {
	uint64_t at;   /* of its key */
	uint32_t from; /* who found it */
	uint8_t move;
	bool is_healthy;
};

struct edge {
	uint32_t from;
	uint32_t to;
};

struct graph {
	struct node *nodes;
	uint32_t node_count, node_room;
	struct edge *edges;
	uint32_t edge_count, edge_room;
	uint8_t *keys;
	uint64_t key_bytes, key_room;
	uint32_t *table; /* 1 + node; 0: free */
	uint32_t table_room;
	bool failed; /* no memory: sticky */
};

/* ---- memory ---- */

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

static const uint8_t *key_of(const struct graph *graph, uint32_t node)
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
		uint64_t slot = hash_bytes(key_of(graph, n), key_size(graph, n));

		while (table[slot & (room - 1)] != 0)
			slot++;
		table[slot & (room - 1)] = n + 1;
	}
	free(graph->table);
	graph->table = table;
	graph->table_room = room;
	return true;
}

/* The node of this world; *ret_is_new: it was met for the first time. */
static uint32_t intern(struct graph *graph, const struct world *world, uint32_t from,
		       enum move move, bool *ret_is_new)
{
	uint8_t key[KEY_BYTES_MAX];
	size_t bytes = search_key_put(world, key);

	*ret_is_new = false;
	if (graph->node_count >= graph->table_room / 2 && !rehash(graph)) {
		graph->failed = true;
		return 0;
	}
	uint64_t slot = hash_bytes(key, bytes);
	for (;; slot++) {
		uint32_t there = graph->table[slot & (graph->table_room - 1)];

		if (there == 0)
			break;
		if (key_size(graph, there - 1) == bytes &&
		    memcmp(key_of(graph, there - 1), key, bytes) == 0)
			return there - 1;
	}
	if (!grow32((void **)&graph->nodes, graph->node_count + 1, &graph->node_room,
		    sizeof *graph->nodes) ||
	    !grow((void **)&graph->keys, graph->key_bytes + bytes, &graph->key_room, 1)) {
		graph->failed = true;
		return 0;
	}
	memcpy(&graph->keys[graph->key_bytes], key, bytes);
	graph->nodes[graph->node_count] = (struct node){
		.at = graph->key_bytes,
		.from = from,
		.move = (uint8_t)move,
		.is_healthy = world->live.shown == HF_STATE_HEALTHY,
	};
	graph->key_bytes += bytes;
	graph->table[slot & (graph->table_room - 1)] = ++graph->node_count;
	*ret_is_new = true;
	return graph->node_count - 1;
}

static void add_edge(struct graph *graph, uint32_t from, uint32_t to)
{
	if (from == to)
		return;
	if (!grow32((void **)&graph->edges, graph->edge_count + 1, &graph->edge_room,
		    sizeof *graph->edges)) {
		graph->failed = true;
		return;
	}
	graph->edges[graph->edge_count++] = (struct edge){ .from = from, .to = to };
}

static void graph_free(struct graph *graph)
{
	free(graph->nodes);
	free(graph->edges);
	free(graph->keys);
	free(graph->table);
}

/* ---- the way, in words ---- */

struct words {
	char *text;
	size_t at;
};

static void say(struct words *words, const char *what)
{
	size_t room = HF_SEARCH_TEXT_BYTES - words->at;
	int written = snprintf(&words->text[words->at], room, "%s", what);

	words->at += written < 0 ? 0 : (size_t)written < room ? (size_t)written : room - 1;
}

static void say_step(struct words *words, struct setup *setup, unsigned number, enum move move)
{
	const struct hf_policy_output *out = &setup->out;
	char line[256];

	search_move_words(setup, move, line, sizeof line);
	char head[320];
	(void)snprintf(head, sizeof head, "%3u  %s -> %s", number, line, hf_state_name(out->state));
	say(words, head);
	for (unsigned i = 0; i < out->change_count; i++) {
		const struct hf_change *change = &out->changes[i];

		if (change->kind == HF_CHANGE_STATE || change->kind == HF_CHANGE_COMMANDED)
			continue;
		(void)snprintf(line, sizeof line, "; %s%s%s%s%s",
			       hf_change_name((enum hf_change_kind)change->kind),
			       change->action < HF_ACTION_COUNT ? " " : "",
			       change->action < HF_ACTION_COUNT
				       ? hf_action_name((enum hf_action)change->action)
				       : "",
			       change->reason < setup->fault_count ? " for " : "",
			       change->reason < setup->fault_count
				       ? setup->policy.reasons[change->reason].name
				       : "");
		say(words, line);
	}
	for (unsigned i = 0; i < out->order_count; i++) {
		(void)snprintf(line, sizeof line, "; order: %s %s",
			       out->orders[i].kind == HF_ORDER_FREEZE ? "freeze the evidence for"
								      : "perform",
			       hf_action_name((enum hf_action)out->orders[i].action));
		say(words, line);
	}
	say(words, "\n");
}

static unsigned steps_to(const struct graph *graph, uint32_t node,
			 enum move ret_moves[PATH_MAX_STEPS])
{
	unsigned count = 0;

	for (uint32_t n = node; n != 0 && count < PATH_MAX_STEPS; n = graph->nodes[n].from)
		ret_moves[count++] = (enum move)graph->nodes[n].move;
	for (unsigned i = 0; i < count / 2; i++) {
		enum move moved = ret_moves[i];

		ret_moves[i] = ret_moves[count - 1 - i];
		ret_moves[count - 1 - i] = moved;
	}
	return count;
}

/* move: the last step, out of node; MOVE_COUNT: it is the node itself that is wrong. */
static void tell_path(struct setup *setup, const struct graph *graph, uint32_t node, enum move move,
		      unsigned invariant, struct hf_search_report *report)
{
	enum move moves[PATH_MAX_STEPS + 1];
	struct words words = { .text = report->text };
	unsigned count = steps_to(graph, node, moves);
	struct world *worlds = calloc(2, sizeof *worlds);
	unsigned broken;
	char line[512];

	if (move != MOVE_COUNT)
		moves[count++] = move;
	report->first_invariant = invariant;
	report->first_steps = count;
	(void)snprintf(line, sizeof line, "I%u (%s), %s%s%s%s:\n", invariant,
		       hf_search_invariant(invariant), setup->policy.reasons[0].name,
		       setup->fault_count > 1 ? " and " : "",
		       setup->fault_count > 1 ? setup->policy.reasons[1].name : "",
		       setup->is_volatile ? ", the state cannot be stored" : "");
	say(&words, line);
	if (worlds == NULL)
		return;
	search_world_first(setup, &worlds[0]);
	for (unsigned i = 0; i < count; i++) {
		if (!search_world_move(setup, &worlds[i % 2], moves[i], &worlds[1 - i % 2],
				       &broken))
			break;
		say_step(&words, setup, i + 1, moves[i]);
	}
	free(worlds);
}

/* ---- one run ---- */

static void note_broken(struct setup *setup, const struct graph *graph, uint32_t node,
			enum move move, unsigned broken, struct hf_search_report *report)
{
	enum move moves[PATH_MAX_STEPS];
	unsigned first = 0;

	for (unsigned i = 1; i <= HF_SEARCH_INVARIANTS; i++)
		if ((broken & 1U << i) != 0) {
			report->counts[i]++;
			report->violations++;
			if (first == 0)
				first = i;
		}
	unsigned steps = steps_to(graph, node, moves) + (move != MOVE_COUNT ? 1 : 0);
	if (first != 0 && (report->first_invariant == 0 || steps < report->first_steps))
		tell_path(setup, graph, node, move, first, report);
}

/* Everything that can be reached. */
static void explore(struct setup *setup, struct graph *graph, uint32_t states_max, bool first_only,
		    struct hf_search_report *report)
{
	static struct world worlds[2];
	bool is_new;

	search_world_first(setup, &worlds[0]);
	(void)intern(graph, &worlds[0], 0, MOVE_TICK, &is_new);
	for (uint32_t n = 0; n < graph->node_count && !graph->failed; n++) {
		search_key_get(key_of(graph, n), &worlds[0]);
		for (enum move move = 0; move < MOVE_COUNT; move++) {
			unsigned broken = 0;

			if (!search_world_move(setup, &worlds[0], move, &worlds[1], &broken))
				continue;
			report->edges++;
			if (broken != 0)
				note_broken(setup, graph, n, move, broken, report);
			/* What comes after a broken step is its consequence. */
			if (broken != 0 && first_only)
				return;
			if (broken != 0)
				continue;
			if (graph->node_count >= states_max) {
				report->incomplete++;
				return;
			}
			add_edge(graph, n, intern(graph, &worlds[1], n, move, &is_new));
		}
	}
}

/* I5: walked back from all that is healthy. */
static void walk_back(struct setup *setup, struct graph *graph, struct hf_search_report *report)
{
	uint32_t *first = calloc((size_t)graph->node_count + 2, sizeof *first);
	uint32_t *sources = malloc(((size_t)graph->edge_count + 1) * sizeof *sources);
	uint32_t *queue = malloc(((size_t)graph->node_count + 1) * sizeof *queue);
	bool *met = calloc((size_t)graph->node_count + 1, sizeof *met);
	uint32_t head = 0;
	uint32_t tail = 0;

	graph->failed = first == NULL || sources == NULL || queue == NULL || met == NULL;
	for (uint32_t e = 0; !graph->failed && e < graph->edge_count; e++)
		first[graph->edges[e].to + 2]++;
	for (uint32_t n = 2; !graph->failed && n < graph->node_count + 2; n++)
		first[n] += first[n - 1];
	for (uint32_t e = 0; !graph->failed && e < graph->edge_count; e++)
		sources[first[graph->edges[e].to + 1]++] = graph->edges[e].from;
	for (uint32_t n = 0; !graph->failed && n < graph->node_count; n++)
		if (graph->nodes[n].is_healthy) {
			met[n] = true;
			queue[tail++] = n;
		}
	while (head < tail) {
		uint32_t n = queue[head++];

		for (uint32_t i = first[n]; i < first[n + 1]; i++)
			if (!met[sources[i]]) {
				met[sources[i]] = true;
				queue[tail++] = sources[i];
			}
	}
	for (uint32_t n = 0; !graph->failed && n < graph->node_count; n++)
		if (!met[n])
			note_broken(setup, graph, n, MOVE_COUNT, 1U << 5, report);
	free(first);
	free(sources);
	free(queue);
	free(met);
}

static bool run(struct setup *setup, const struct hf_search_options *options,
		struct hf_search_report *report)
{
	struct graph graph = { 0 };
	uint32_t incomplete = report->incomplete;
	uint64_t violations = report->violations;

	explore(setup, &graph, options->states_max != 0 ? options->states_max : STATES_MAX,
		options->first_only, report);
	/* Of a part nothing can be said about where all of it leads. */
	if (!graph.failed && report->incomplete == incomplete && report->violations == violations)
		walk_back(setup, &graph, report);
	report->runs++;
	report->states += graph.node_count;
	if (graph.node_count > report->largest)
		report->largest = graph.node_count;
	bool whole = !graph.failed;
	if (options->told != NULL)
		options->told(setup->policy.reasons[0].name,
			      setup->fault_count > 1 ? setup->policy.reasons[1].name : NULL,
			      setup->is_volatile, graph.node_count);
	graph_free(&graph);
	return whole;
}

/* ---- the copy of the policy ---- */

int64_t hf_search_scale_ms(int64_t duration_ms, bool fine)
{
	static const struct {
		int64_t up_to_ms;
		uint8_t coarse;
		uint8_t fine;
	} steps[] = {
		{ 0, 0, 0 },       { 10000, 1, 1 },     { 60000, 1, 2 },
		{ 3600000, 2, 4 }, { INT64_MAX, 3, 6 },
	};
	unsigned i = 0;

	while (duration_ms > steps[i].up_to_ms)
		i++;
	return (fine ? steps[i].fine : steps[i].coarse) * (int64_t)TICK_MS;
}

static uint32_t few(uint32_t count)
{
	return count < 2 ? count : 2;
}

static void scale_budget(struct hf_budget *budget, bool fine)
{
	budget->count = fine || budget->count == 0 ? few(budget->count) : 1;
	budget->window_ms = hf_search_scale_ms(budget->window_ms, fine);
}

static void scale_action(struct hf_policy_action *action, bool fine)
{
	for (unsigned b = 0; b < HF_POLICY_BUDGETS_MAX; b++)
		scale_budget(&action->budgets[b], fine);
	for (unsigned i = 0; i < HF_POLICY_WAITS_MAX; i++)
		action->waits_ms[i] =
			i < (fine ? 2 : 1) ? hf_search_scale_ms(action->waits_ms[i], fine) : 0;
	action->settle_ms = hf_search_scale_ms(action->settle_ms, fine);
	action->verify_ms = hf_search_scale_ms(action->verify_ms, fine);
	action->hold_ms = hf_search_scale_ms(action->hold_ms, fine);
	action->uptime_ms = hf_search_scale_ms(action->uptime_ms, fine);
	action->deadline_ms = TICK_MS;
}

static bool is_internal(const struct hf_policy_reason *reason)
{
	for (unsigned i = 0; i < reason->when.term_count; i++)
		if (reason->when.terms[i].signal == HF_SIGNAL_RELEASE_DENIED)
			return true;
	return false;
}

/* Its signal is set by the place it takes in a run. */
static void scale_reason(struct hf_policy_reason *reason, bool fine)
{
	bool never_clear = reason->when.term_count != 0 && reason->clear.term_count == 0;
	bool unknown_is_bad = reason->when.unknown || reason->when.term_count == 0;

	reason->hold_ms = hf_search_scale_ms(reason->hold_ms, fine);
	reason->clear_hold_ms = hf_search_scale_ms(reason->clear_hold_ms, fine);
	reason->settle_ms = hf_search_scale_ms(reason->settle_ms, fine);
	reason->refill_permille = reason->refill_permille > 0 ? 1000 : 0;
	reason->workers = 0;
	reason->line = 0;
	if (is_internal(reason))
		return;
	reason->when = (struct hf_condition){ .term_count = 1, .unknown = unknown_is_bad };
	reason->when.terms[0].compare = HF_COMPARE_ABOVE;
	reason->clear = (struct hf_condition){ .term_count = never_clear ? 0 : 1 };
	reason->clear.terms[0].compare = HF_COMPARE_AT_MOST;
}

static void scale_policy(const struct hf_policy *policy, bool fine, struct hf_policy *ret_copy)
{
	*ret_copy = *policy;
	ret_copy->shadow = false;
	for (unsigned i = 0; i < HF_ACTION_COUNT; i++)
		scale_action(&ret_copy->actions[i], fine);
	ret_copy->actions[HF_ACTION_ROLLBACK].unavailable = false;
	for (unsigned i = 0; i < ret_copy->reason_count; i++)
		scale_reason(&ret_copy->reasons[i], fine);
	ret_copy->episode_ms = hf_search_scale_ms(policy->episode_ms, fine);
	ret_copy->flap_entries = fine ? few(policy->flap_entries) : 0;
	ret_copy->flap_shift_max = policy->flap_shift_max > 0 ? 1 : 0;
	ret_copy->flap_window_ms = hf_search_scale_ms(policy->flap_window_ms, fine);
	ret_copy->safe_exit_healthy_ms = hf_search_scale_ms(policy->safe_exit_healthy_ms, fine);
	scale_budget(&ret_copy->safe_exit_budget, fine);
}

static bool mentions_release(const struct hf_policy_reason *reason)
{
	for (unsigned r = 0; r < reason->rung_count; r++)
		if (reason->ladder[r] == HF_ACTION_ROLLBACK)
			return true;
	return reason->latch == HF_LATCH_RELEASE || reason->class_of == HF_CLASS_RELEASE ||
	       is_internal(reason);
}

static uint8_t longest_ticks(const struct hf_policy *policy, unsigned action)
{
	int64_t longest_ms = action == HF_ACTION_SAFE_MODE ? policy->safe_exit_budget.window_ms : 0;

	for (unsigned b = 0; b < HF_POLICY_BUDGETS_MAX; b++)
		if (policy->actions[action].budgets[b].window_ms > longest_ms)
			longest_ms = policy->actions[action].budgets[b].window_ms;
	return (uint8_t)(longest_ms / TICK_MS);
}

static bool mentions(const struct hf_policy_reason *reason, enum hf_action action)
{
	for (unsigned r = 0; r < reason->rung_count; r++)
		if (reason->ladder[r] == action)
			return true;
	return false;
}

static uint8_t action_to_hold(const struct hf_policy_reason *reason)
{
	for (unsigned r = 0; r < reason->rung_count; r++)
		if (hf_action_destroys((enum hf_action)reason->ladder[r]) != 0 &&
		    reason->ladder[r] != HF_ACTION_RETRY_WORKER)
			return reason->ladder[r];
	return HF_ACTION_COUNT;
}

static void prepare(struct setup *setup, const struct hf_policy *copy, unsigned a, unsigned b,
		    bool is_volatile)
{
	memset(setup, 0, sizeof *setup);
	setup->policy = *copy;
	setup->fault_count = a == b ? 1 : 2;
	setup->policy.reason_count = (uint8_t)setup->fault_count;
	setup->is_pair = a != b;
	setup->is_volatile = is_volatile;
	setup->hold_action = action_to_hold(&copy->reasons[a]);
	for (unsigned i = 0; i < HF_ACTION_COUNT; i++)
		setup->log_age_max[i] = longest_ticks(copy, i);
	setup->well_max = (uint8_t)(copy->safe_exit_healthy_ms / TICK_MS + 2);
	for (unsigned f = 0; f < setup->fault_count; f++) {
		struct hf_policy_reason *reason = &setup->policy.reasons[f];

		*reason = copy->reasons[f == 0 ? a : b];
		setup->internal[f] = is_internal(reason);
		setup->releases = setup->releases || mentions_release(reason);
		setup->clear_max[f] = (uint8_t)(reason->clear_hold_ms / TICK_MS);
		if (mentions(reason, HF_ACTION_REBOOT))
			setup->uptime_max =
				(uint8_t)(copy->actions[HF_ACTION_REBOOT].uptime_ms / TICK_MS + 1);
		if (setup->internal[f])
			continue;
		reason->when.terms[0].signal = f == 0 ? HF_SIGNAL_INFER_P99 : HF_SIGNAL_DISK_FREE;
		reason->clear.terms[0].signal = reason->when.terms[0].signal;
	}
	setup->input.worker_count = 1;
	setup->input.source_count = 1;
	setup->input.camera_count = 1;
	setup->input.worker_cameras[0] = 1;
	setup->input.source_cameras[0] = 1;
}

/* ---- which runs there are ---- */

/* In all but their name. */
static bool are_equal(const struct hf_policy *copy, unsigned a, unsigned b)
{
	struct hf_policy_reason one = copy->reasons[a];
	struct hf_policy_reason other = copy->reasons[b];
	bool exits = (copy->safe_exit_classes & 1U << one.class_of) != 0;

	if (exits != ((copy->safe_exit_classes & 1U << other.class_of) != 0) ||
	    (one.class_of == HF_CLASS_LINK) != (other.class_of == HF_CLASS_LINK) ||
	    mentions_release(&one) != mentions_release(&other))
		return false;
	memset(one.name, 0, sizeof one.name);
	memset(other.name, 0, sizeof other.name);
	one.class_of = 0;
	other.class_of = 0;
	return memcmp(&one, &other, sizeof one) == 0;
}

struct kinds {
	unsigned count;
	uint8_t first[HF_POLICY_REASONS_MAX];  /* the reason that stands for the kind */
	uint8_t second[HF_POLICY_REASONS_MAX]; /* another of it; the same: there is none */
	uint8_t members[HF_POLICY_REASONS_MAX];
};

static struct kinds sort_out(const struct hf_policy *copy)
{
	struct kinds kinds = { 0 };

	for (unsigned i = 0; i < copy->reason_count; i++) {
		unsigned k = 0;

		while (k < kinds.count && !are_equal(copy, kinds.first[k], i))
			k++;
		if (k == kinds.count) {
			kinds.count++;
			kinds.first[k] = (uint8_t)i;
			kinds.second[k] = (uint8_t)i;
		} else if (kinds.members[k] == 1) {
			kinds.second[k] = (uint8_t)i;
		}
		kinds.members[k]++;
	}
	return kinds;
}

struct search {
	const struct hf_search_options *options;
	struct hf_search_report *report;
	struct hf_policy copy;
	struct setup setup;
	uint32_t number; /* of the run, for those that share the work */
	bool failed;
};

static bool is_over(const struct search *search)
{
	return search->failed ||
	       (search->options->first_only && search->report->first_invariant != 0);
}

static void run_one(struct search *search, unsigned a, unsigned b, bool is_volatile)
{
	uint32_t parts = search->options->parts > 1 ? search->options->parts : 1;

	if (search->number++ % parts != search->options->part || is_over(search))
		return;
	prepare(&search->setup, &search->copy, a, b, is_volatile);
	if (!run(&search->setup, search->options, search->report))
		search->failed = true;
	if (a != b)
		search->report->pairs++;
}

enum hf_code hf_policy_search(const struct hf_policy *policy,
			      const struct hf_search_options *options,
			      struct hf_search_report *ret_report, struct hf_err *err)
{
	struct search *search = calloc(1, sizeof *search);

	memset(ret_report, 0, sizeof *ret_report);
	if (search == NULL)
		return hf_fail(err, HF_E_NOMEM, "search: no memory");
	search->options = options;
	search->report = ret_report;
	scale_policy(policy, options->fine, &search->copy);
	struct kinds kinds = sort_out(&search->copy);
	for (unsigned i = 0; i < kinds.count; i++) {
		run_one(search, kinds.first[i], kinds.first[i], false);
		run_one(search, kinds.first[i], kinds.first[i], true);
	}
	for (unsigned i = 0; i < kinds.count && !options->singles_only; i++)
		for (unsigned k = i; k < kinds.count; k++) {
			unsigned other = k == i ? kinds.second[i] : kinds.first[k];

			if (other != kinds.first[i])
				run_one(search, kinds.first[i], other, false);
		}
	if (!options->singles_only)
		ret_report->stands_for = policy->reason_count * (policy->reason_count - 1U) / 2;
	bool failed = search->failed;
	free(search);
	return failed ? hf_fail(err, HF_E_NOMEM, "search: no memory") : HF_OK;
}

const char *hf_search_invariant(unsigned invariant)
{
	static const char *const texts[] = {
		"",
		"nothing is decided in safe mode, nor where an action is in hand",
		"a release is rolled back once at most",
		"evidence is frozen before what destroys it",
		"safe mode is left by an operator, or as the policy allows",
		"from everywhere a path leads to healthy",
		"what is done is bounded in any window",
		"the link never acts",
		"a start refills no budget and drops no latch",
		"a release is committed by its gate only",
		"a denied release runs in recovering or safe mode only",
		"a reason is over when it was clear for its hold",
		"what is held, maintained or not stored is not done",
		"one action at a time where one is about the unit",
		"what has failed is not tried again in the episode",
	};

	_Static_assert(sizeof texts / sizeof *texts == HF_SEARCH_INVARIANTS + 1, "a text each");
	HF_ASSERT(invariant <= HF_SEARCH_INVARIANTS);
	return texts[invariant];
}
