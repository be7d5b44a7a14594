/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Method: breadth first, each world once. From all that is healthy the edges are walked back, and
 * what is not met on the way has no path to healthy (I5).
 */
#include "recover/search.h"

#include "base/assert.h"
#include "recover/search_inner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	STATES_MAX = 30000000,
	PATH_MAX_STEPS = 256,
	OTHERS_MAX = 4,
};

/* ---- the way, in words ---- */

/* A step, as it can be taken again. */
struct step_out {
	enum move move;
	struct refused refused;
};

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

static void say_refused(const struct refused *refused, char *ret_text, size_t size_bytes)
{
	bool failed = false;
	bool spent = false;

	for (unsigned f = 0; f < FAULTS_MAX; f++) {
		failed = failed || refused->failed[f] != 0;
		spent = spent || refused->spent[f] != 0;
	}
	(void)snprintf(ret_text, size_bytes, "%s%s%s", failed ? ", the first rungs failed" : "",
		       spent ? ", a budget is used up" : "",
		       refused->again != 0 ? ", not at its last try" : "");
}

static void say_step(struct words *words, struct setup *setup, unsigned number,
		     const struct step_out *taken)
{
	const struct hf_policy_output *out = &setup->out;
	char line[256];
	char refused[128];

	search_move_words(setup, taken->move, line, sizeof line);
	say_refused(&taken->refused, refused, sizeof refused);
	char head[512];
	(void)snprintf(head, sizeof head, "%3u  %s%s -> %s", number, line, refused,
		       hf_state_name(out->state));
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
			 struct step_out ret_steps[PATH_MAX_STEPS])
{
	unsigned count = 0;

	for (uint32_t n = node; n != 0 && count < PATH_MAX_STEPS; n = graph->nodes[n].from)
		ret_steps[count++] = (struct step_out){ .move = (enum move)graph->nodes[n].move,
							.refused = graph->nodes[n].refused };
	for (unsigned i = 0; i < count / 2; i++) {
		struct step_out taken = ret_steps[i];

		ret_steps[i] = ret_steps[count - 1 - i];
		ret_steps[count - 1 - i] = taken;
	}
	return count;
}

/* last: out of node; NULL: it is the node itself that is wrong. */
static void tell_path(struct setup *setup, const struct graph *graph, uint32_t node,
		      const struct step_out *last, unsigned invariant,
		      struct hf_search_report *report)
{
	struct step_out steps[PATH_MAX_STEPS + 1];
	struct words words = { .text = report->text };
	unsigned count = steps_to(graph, node, steps);
	struct world *worlds = calloc(2, sizeof *worlds);
	unsigned broken;
	char line[512];

	if (last != NULL)
		steps[count++] = *last;
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
		if (!search_world_move(setup, &worlds[i % 2], steps[i].move, &steps[i].refused,
				       &worlds[1 - i % 2], &broken))
			break;
		say_step(&words, setup, i + 1, &steps[i]);
	}
	free(worlds);
}

/* ---- one run ---- */

struct walk {
	struct setup *setup;
	struct graph *graph;
	struct hf_search_report *report;
	uint32_t states_max;
	uint32_t node;
	uint32_t group;
	unsigned rungs[FAULTS_MAX]; /* that may be refused */
	unsigned retry[FAULTS_MAX]; /* so many are, with it */
	bool first_only;
	bool over; /* stopped before the end */
	struct world from;
	struct world to;
};

static void note_broken(struct walk *walk, uint32_t node, const struct step_out *last,
			unsigned broken)
{
	struct hf_search_report *report = walk->report;
	struct step_out steps[PATH_MAX_STEPS];
	unsigned first = 0;

	for (unsigned i = 1; i <= HF_SEARCH_INVARIANTS; i++)
		if ((broken & 1U << i) != 0) {
			report->counts[i]++;
			report->violations++;
			if (first == 0)
				first = i;
		}
	unsigned count = steps_to(walk->graph, node, steps) + (last != NULL ? 1 : 0);
	if (first != 0 && (report->first_invariant == 0 || count < report->first_steps))
		tell_path(walk->setup, walk->graph, node, last, first, report);
}

/* False: it cannot be taken, or the search is over. */
static bool take(struct walk *walk, const struct step_out *taken)
{
	struct graph *graph = walk->graph;
	unsigned broken = 0;

	if (walk->over || !search_world_move(walk->setup, &walk->from, taken->move, &taken->refused,
					     &walk->to, &broken))
		return false;
	walk->report->edges++;
	if (broken != 0) {
		/* What comes after a broken step is its consequence. */
		note_broken(walk, walk->node, taken, broken);
		walk->over = walk->first_only;
		return !walk->over;
	}
	if (graph->node_count >= walk->states_max) {
		walk->report->incomplete++;
		walk->over = true;
		return false;
	}
	const struct node found = { .from = walk->node,
				    .move = (uint8_t)taken->move,
				    .refused = taken->refused };
	uint32_t to = search_intern(graph, walk->setup, &walk->to, &found);
	bool refuses = taken->refused.again != 0;
	for (unsigned f = 0; f < FAULTS_MAX; f++)
		refuses = refuses || taken->refused.failed[f] != 0 || taken->refused.spent[f] != 0;
	/* That nothing comes of a step is no answer where something may refuse for ever, nor where
	 * it was not time alone that passed. */
	if (to != walk->node || refuses || !search_passes_time(taken->move))
		search_add_edge(graph, walk->group, to);
	return true;
}

/* A rung that fails, or has a budget, may be refused; a mode is not. */
static void count_rungs(struct walk *walk, unsigned f)
{
	const struct hf_policy_reason *reason = &walk->setup->policy.reasons[f];

	for (unsigned r = 0; r < reason->rung_count && !reason->records_only; r++) {
		if (hf_action_kind((enum hf_action)reason->ladder[r]) != HF_ACTION_ONCE ||
		    walk->setup->policy.actions[reason->ladder[r]].unavailable)
			continue;
		walk->rungs[f]++;
		if (reason->ladder[r] == HF_ACTION_RETRY_WORKER)
			walk->retry[f] = walk->rungs[f];
	}
}

/* The first so many of those that can be. */
static void refuse_first(const struct setup *setup, unsigned f, unsigned count,
			 struct refused *refused)
{
	const struct hf_policy_reason *reason = &setup->policy.reasons[f];

	for (unsigned r = 0; r < reason->rung_count && count > 0; r++) {
		unsigned action = reason->ladder[r];

		if (hf_action_kind((enum hf_action)action) != HF_ACTION_ONCE ||
		    setup->policy.actions[action].unavailable)
			continue;
		count--;
		/* One that never counts as failed is refused by its budget only. */
		if (action == HF_ACTION_RETRY_WORKER)
			refused->spent[f] |= (uint16_t)(1U << action);
		else
			refused->failed[f] |= (uint8_t)(1U << r);
	}
}

/* Which of the faults chose a rung in this step, or looked for one in vain: bits. */
static unsigned who_chose(const struct walk *walk)
{
	const struct hf_policy_output *out = &walk->setup->out;
	const struct hf_policy_state *live = &walk->to.live;
	unsigned who = 0;

	for (unsigned i = 0; i < out->change_count; i++)
		if (out->changes[i].kind == HF_CHANGE_CHOSEN ||
		    (out->changes[i].kind == HF_CHANGE_ENGAGED &&
		     out->changes[i].reason < walk->setup->fault_count))
			who |= 1U << out->changes[i].reason;
	for (unsigned i = 0; i < live->case_count; i++)
		if (live->cases[i].phase == HF_CASE_ACTIVE && live->cases[i].is_bad &&
		    live->cases[i].step == HF_STEP_NONE)
			who |= 1U << live->cases[i].reason;
	return who;
}

/* What else may have been before: what this step used up was used up, or what failed in it was not
 * tried for the last time. In pairs the first is asked of leaving safe mode only: a budget is one
 * rung's own, which each reason alone is asked about; and nothing is at its last try. */
static unsigned otherwise(const struct walk *walk, const struct refused *refused,
			  struct refused ret_others[OTHERS_MAX])
{
	const struct hf_policy_output *out = &walk->setup->out;
	bool alone = !walk->setup->is_pair;
	unsigned count = 0;

	for (unsigned i = 0; i < out->change_count && count < OTHERS_MAX; i++) {
		const struct hf_change *change = &out->changes[i];
		bool left = change->kind == HF_CHANGE_SAFE_LEFT && change->value == 0;
		bool chosen = change->kind == HF_CHANGE_CHOSEN && alone;
		bool failed =
			(change->kind == HF_CHANGE_FAILED || change->kind == HF_CHANGE_NO_HELP) &&
			alone && refused->again == 0;

		if (!left && !chosen && !failed)
			continue;
		ret_others[count] = *refused;
		if (failed)
			ret_others[count].again = 1;
		else
			ret_others[count].spent[left ? 0 : change->reason] |=
				(uint16_t)(1U << (left ? HF_ACTION_SAFE_MODE : change->action));
		count++;
	}
	return count;
}

static void take_refused(struct walk *walk, enum move move, unsigned a, unsigned b, unsigned *who)
{
	struct step_out taken = { .move = move };
	struct refused others[OTHERS_MAX];

	refuse_first(walk->setup, 0, a, &taken.refused);
	if (walk->setup->fault_count > 1)
		refuse_first(walk->setup, 1, b, &taken.refused);
	if (!take(walk, &taken) || !walk->setup->is_open)
		return;
	*who |= who_chose(walk);
	unsigned count = otherwise(walk, &taken.refused, others);
	for (unsigned i = 0; i < count; i++) {
		taken.refused = others[i];
		if (take(walk, &taken))
			*who |= who_chose(walk);
	}
}

/* In safe mode all but a retry are refused anyway. */
static bool says_more(const struct walk *walk, unsigned f, unsigned count, bool is_safe)
{
	return count == 0 || !is_safe || count == walk->retry[f];
}

/* All that may come of a move. */
static void take_all(struct walk *walk, enum move move)
{
	unsigned who = 0;
	bool is_safe = false;

	for (unsigned a = 0; a == 0 || (a <= walk->rungs[0] && (who & 1U) != 0); a++)
		for (unsigned b = 0; b == 0 || (b <= walk->rungs[1] && (who & 2U) != 0); b++) {
			if (!says_more(walk, 0, a, is_safe) || !says_more(walk, 1, b, is_safe))
				continue;
			take_refused(walk, move, a, b, &who);
			is_safe = walk->from.live.safe && walk->to.live.safe;
		}
}

/* Everything that can be reached. */
static bool explore(struct walk *walk)
{
	struct graph *graph = walk->graph;
	const struct node first = { 0 };

	search_world_first(walk->setup, &walk->from);
	search_canonical(walk->setup, &walk->from);
	(void)search_intern(graph, walk->setup, &walk->from, &first);
	for (uint32_t n = 0; n < graph->node_count && !graph->failed && !walk->over; n++) {
		walk->node = n;
		search_key_get(walk->setup, search_key_of(graph, n), &walk->from);
		for (unsigned m = 0; m < MOVE_COUNT; m++) {
			/* The last: time passes. Which one runs out first is in nobody's hands. */
			enum move move = m < MOVE_COUNT - 1 ? m + 1 : MOVE_TICK;

			if (move <= MOVE_RUNS_OUT && move != MOVE_TICK)
				walk->group = search_add_group(graph, n);
			take_all(walk, move);
		}
	}
	return !walk->over;
}

static void lost(void *context, uint32_t node)
{
	note_broken(context, node, NULL, 1U << 5);
}

void search_explore(struct setup *setup, const struct hf_search_options *options,
		    struct graph *graph, struct hf_search_report *report)
{
	struct walk *walk = calloc(1, sizeof *walk);
	uint64_t violations = report->violations;

	if (walk == NULL) {
		graph->failed = true;
		return;
	}
	walk->setup = setup;
	for (unsigned f = 0; f < setup->fault_count; f++)
		count_rungs(walk, f);
	walk->graph = graph;
	walk->report = report;
	walk->states_max = options->states_max != 0 ? options->states_max : STATES_MAX;
	walk->first_only = options->first_only;
	/* Of a part nothing can be said about where all of it leads. */
	if (explore(walk) && !graph->failed && report->violations == violations)
		search_walk_back(graph, lost, walk);
	free(walk);
}

/* Each world that counted times lead to, as far as that is walked, is one of the open ones. */
static void compare(struct setup *setup, struct graph *graph, struct setup *counted,
		    const struct hf_search_options *options, struct hf_search_report *report)
{
	const struct hf_search_options ticks = { .ticks = true, .states_max = options->compared };
	struct hf_search_report *its = calloc(1, sizeof *its);
	struct world *world = calloc(1, sizeof *world);
	struct graph other = { 0 };

	graph->failed = its == NULL || world == NULL;
	if (!graph->failed)
		search_explore(counted, &ticks, &other, its);
	for (uint32_t n = 0; !graph->failed && n < other.node_count; n++) {
		search_key_get(counted, search_key_of(&other, n), world);
		search_open(counted, setup, world);
		report->compared++;
		if (search_find(graph, setup, world) != UINT32_MAX)
			continue;
		report->strangers++;
		if (report->first_invariant == 0)
			tell_path(counted, &other, n, NULL, 0, report);
	}
	/* What counting sees, leaving open has to see. */
	if (its != NULL && its->violations > 0 && report->violations == 0)
		report->strangers++;
	search_graph_free(&other);
	free(world);
	free(its);
}

static bool run(struct setup *setup, struct setup *counted, const struct hf_search_options *options,
		struct hf_search_report *report)
{
	struct graph graph = { 0 };
	uint32_t incomplete = report->incomplete;

	search_explore(setup, options, &graph, report);
	if (options->compared > 0 && report->incomplete == incomplete)
		compare(setup, &graph, counted, options, report);
	report->runs++;
	report->states += graph.node_count;
	if (graph.node_count > report->largest)
		report->largest = graph.node_count;
	bool failed = graph.failed;
	if (options->told != NULL)
		options->told(setup->policy.reasons[0].name,
			      setup->fault_count > 1 ? setup->policy.reasons[1].name : NULL,
			      setup->is_volatile, graph.node_count,
			      report->incomplete == incomplete);
	search_graph_free(&graph);
	return !failed;
}

/* ---- which runs there are ---- */

struct search {
	const struct hf_search_options *options;
	struct hf_search_report *report;
	struct hf_policy copy;
	struct hf_policy counted_copy; /* to be compared with */
	struct setup setup;
	struct setup counted;
	uint32_t number; /* of the run, for those that share the work */
	int64_t mine;    /* the last that was taken */
	bool failed;
};

static bool is_over(const struct search *search)
{
	return search->failed ||
	       (search->options->first_only && search->report->first_invariant != 0);
}

static void run_one(struct search *search, unsigned a, unsigned b, bool is_volatile)
{
	uint32_t number = search->number++;

	if (is_over(search))
		return;
	if (search->options->next != NULL) {
		if (search->mine < (int64_t)number)
			search->mine = atomic_fetch_add(search->options->next, 1);
		if (search->mine != number)
			return;
	}
	search_prepare(&search->setup, &search->copy, search->options, a, b, is_volatile);
	if (search->options->compared > 0) {
		const struct hf_search_options ticks = { .ticks = true,
							 .fine = search->options->fine };

		search_prepare(&search->counted, &search->counted_copy, &ticks, a, b, is_volatile);
	}
	if (!run(&search->setup, &search->counted, search->options, search->report))
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
	search->mine = -1;
	search_copy_policy(policy, options, &search->copy);
	const struct hf_search_options ticks = { .ticks = true, .fine = options->fine };
	search_copy_policy(policy, &ticks, &search->counted_copy);
	struct kinds kinds;
	search_sort_out(&search->copy, &kinds);
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
		"no open world stands for this counted one",
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
